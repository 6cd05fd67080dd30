#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1 --expose-gc
// These flags keep the agent's memory at rest small. The first two save some 20 MB each: by default V8 lets the young generation grow to
// 3 x 16 MB and keeps it, and the C library gives each thread an arena that keeps what the thread once needed. The third lets the agent
// collect garbage when it is idle (agent.ts). The bundle is used unless something was compiled after it was made.
import { statSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

// A collection compacts all pages, and drops code that has not run since the last but one: 10 MB after many boots. The optimizing compiler
// would cost 5 MB more, and an agent spends nearly all its time waiting.
for (const flag of ['--compact-on-every-full-gc', '--bytecode-old-age=2', '--flush-baseline-code', '--no-opt'])
  setFlagsFromString(flag);

// axios loads Node's own fetch just by looking for it: 4 MB. The agent uses node:http.
for (const name of ['fetch', 'FormData', 'Headers', 'Request', 'Response']) Reflect.deleteProperty(globalThis, name);

const writtenAt = (path) => statSync(new URL(path, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;

const bundledAt = writtenAt('../dist/bundle/bin/ecompute.js');
// The compiler leaves these files only in a source tree, each time that it compiles.
const compiledAt = Math.max(
  ...['..', '../../common', '../../libvirt', '../../placement'].map((folder) =>
    writtenAt(`${folder}/tsconfig.tsbuildinfo`),
  ),
);
await import(bundledAt > 0 && bundledAt >= compiledAt ? '../dist/bundle/bin/ecompute.js' : '../dist/bin/ecompute.js');
