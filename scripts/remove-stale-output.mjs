// Removes compiled files whose source is gone. Otherwise imports of them would go on working here, and fail in every fresh clone.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const COMPILED = /\.(d\.ts|js|js\.map)$/;

const packages = ['chaos', 'demo', 'bench', ...readdirSync('packages').map((name) => join('packages', name))];
for (const folder of packages.filter((name) => existsSync(join(name, 'dist'))))
  for (const path of readdirSync(join(folder, 'dist'), { recursive: true }))
    // The bundle has no source file of its own.
    if (
      COMPILED.test(path) &&
      !path.startsWith('bundle/') &&
      !existsSync(join(folder, 'src', path.replace(COMPILED, '.ts')))
    )
      rmSync(join(folder, 'dist', path));
