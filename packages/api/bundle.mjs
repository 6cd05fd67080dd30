/**
 * Makes dist/bundle/eapi.js: eapi in one file, which starts sooner than 600 modules and holds less memory; and s3-sdk.js beside it, which those
 * load who keep images in S3. Run it after the
 * compiler.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../../scripts/bundle/options.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));
const folder = path.join(root, 'dist', 'bundle');

const sdkApart = {
  name: 'sdk-apart',
  setup: ({ onResolve }) => onResolve({ filter: /\/s3\/sdk\.js$/ }, () => ({ path: './s3-sdk.js', external: true })),
};

const options = {
  ...(await bundleOptions(path.join(root, 'dist'))),
  format: 'esm',
  // What libraries that are CommonJS find around them.
  banner: {
    js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url), __dirname = import.meta.dirname;",
  },
};

await rm(folder, { recursive: true, force: true });
await build({
  ...options,
  entryPoints: [path.join(root, 'dist', 'bin', 'eapi.js')],
  outfile: path.join(folder, 'eapi.js'),
  plugins: [sdkApart],
});
await build({
  ...options,
  entryPoints: [path.join(root, 'dist', 'image', 'blobs', 's3', 'sdk.js')],
  outfile: path.join(folder, 's3-sdk.js'),
});
