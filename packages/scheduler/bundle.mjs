/**
 * Makes dist/bundle/eschedule.cjs (eschedule in one file) and V8's compiled code beside it; bin/eschedule.cjs says why. Run it after the
 * compiler.
 *
 * The code cache is taken at the end of a real run, a boot against ports where nothing listens. So it holds the functions that a boot uses,
 * not only those that V8 compiles up front.
 */
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../../scripts/bundle/options.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));
const folder = path.join(root, 'dist', 'bundle');
const bundle = path.join(folder, 'eschedule.cjs');

const makeBundle = async () => {
  await build({
    entryPoints: [path.join(root, 'dist', 'bin', 'eschedule.js')],
    outfile: bundle,
    ...(await bundleOptions(path.join(root, 'dist'))),
    format: 'cjs',
    define: { 'import.meta.url': 'bundleUrl' },
    banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
  });
};

/** Runs in a process of its own, which eschedule ends when it is through. */
const RECORDER = `
const { readFileSync, writeFileSync } = require('node:fs');
const Module = require('node:module');
const { dirname } = require('node:path');
const { Script } = require('node:vm');
const [bundle, target, ...argv] = process.argv.slice(1);
const script = new Script(Module.wrap(readFileSync(bundle, 'utf8')), { filename: bundle });
process.argv = [process.execPath, bundle, ...argv];
process.on('exit', () => writeFileSync(target, script.createCachedData()));
const module_ = new Module(bundle);
script.runInThisContext().call(module_.exports, module_.exports, Module.createRequire(bundle), module_, bundle, dirname(bundle));
`;

const recordCodeCache = async () => {
  const temp = await mkdtemp(path.join(tmpdir(), 'eschedule-bundle-'));
  try {
    const config = path.join(temp, 'schedule.yaml');
    const target = path.join(temp, 'cache');
    await writeFile(config, 'etcd: {host: 127.0.0.1, port: 1}\nplacement: {endpoint: "http://127.0.0.1:1"}\n');
    const argv = ['boot', '--no-wait', '--config', config];
    const { status, stderr } = spawnSync(process.execPath, ['-e', RECORDER, bundle, target, ...argv], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    // Nothing listens there, and it must say so.
    if (status !== 1 || !stderr.startsWith('eschedule: could not '))
      throw new Error(`the bundle does not run: ${stderr}`);
    await copyFile(target, `${bundle}.cache.new`);
    await rename(`${bundle}.cache.new`, `${bundle}.cache`);
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
};

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await makeBundle();
await recordCodeCache();
