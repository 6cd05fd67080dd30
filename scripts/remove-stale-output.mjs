// Removes what was compiled from sources that are gone by now: something could go on importing it here, and on no other machine.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const COMPILED = /\.(d\.ts|js|js\.map)$/;

const packages = ['chaos', 'demo', 'bench', ...readdirSync('packages').map((name) => join('packages', name))];
for (const folder of packages.filter((name) => existsSync(join(name, 'dist'))))
  for (const path of readdirSync(join(folder, 'dist'), { recursive: true }))
    // What the bundler makes has no source of its own.
    if (
      COMPILED.test(path) &&
      !path.startsWith('bundle/') &&
      !existsSync(join(folder, 'src', path.replace(COMPILED, '.ts')))
    )
      rmSync(join(folder, 'dist', path));
