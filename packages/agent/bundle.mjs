/**
 * Makes dist/bundle: all of ecompute in one file, and one for each kind of thread of the libvirt binding, which finds them there by their
 * path beside it. Run after the compiler. It is for the agent's memory: as 700 modules, with their source text and all that the libraries
 * bring along, ecompute takes some 10 MB more for as long as it runs.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { axiosWithoutFetch, BUNDLE_OPTIONS, englishOnly, parsedProto } from '../../scripts/bundle-plugins.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));
const folder = path.join(root, 'dist', 'bundle');
const libvirt = path.join(root, '..', 'libvirt', 'dist');

await rm(folder, { recursive: true, force: true });
await build({
  entryPoints: {
    'bin/ecompute': path.join(root, 'dist', 'bin', 'ecompute.js'),
    'ffi/call-thread': path.join(libvirt, 'ffi', 'call-thread.js'),
    'ffi/event-loop-thread': path.join(libvirt, 'ffi', 'event-loop-thread.js'),
  },
  outdir: folder,
  ...BUNDLE_OPTIONS,
  format: 'esm',
  // It loads a shared library that lies beside it.
  external: ['koffi'],
  // Libraries that are CommonJS ask for Node's own modules.
  banner: {
    js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
  },
  plugins: [englishOnly, parsedProto, axiosWithoutFetch],
});
