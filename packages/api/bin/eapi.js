#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=4 --heap-growing-percent=30
// These flags halve the server's memory under load, and cost little time: the C library keeps one arena for all threads, V8 a small young
// generation, and it lets the heap grow by less between two collections. The bundle is used unless something was compiled after it was made.
import { statSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

// A collection drops code that has not run since the last but one.
for (const flag of ['--bytecode-old-age=2', '--flush-baseline-code']) setFlagsFromString(flag);

// Loading Node's own fetch costs 4 MB, and nothing here needs it; libraries load it just by looking for it.
for (const name of ['fetch', 'FormData', 'Headers', 'Request', 'Response']) Reflect.deleteProperty(globalThis, name);

// The SDK of S3 would write to stderr which Node its later versions want.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const writtenAt = (path) => statSync(new URL(path, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;

const bundledAt = writtenAt('../dist/bundle/eapi.js');
// The compiler leaves these files only in a source tree, each time that it compiles.
const compiledAt = Math.max(
  ...['..', '../../cloud', '../../common'].map((folder) => writtenAt(`${folder}/tsconfig.tsbuildinfo`)),
);
await import(bundledAt > 0 && bundledAt >= compiledAt ? '../dist/bundle/eapi.js' : '../dist/bin/eapi.js');
