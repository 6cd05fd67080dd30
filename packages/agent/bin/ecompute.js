#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1 --expose-gc
// The settings are for the agent's memory at rest. The first two save some 20 MB each: by default V8 lets the youngest part of the heap grow
// to three times 16 MB and keeps it, and the C library gives every thread an arena of its own, which keeps what that thread once needed. The
// third lets the agent collect garbage when it has nothing in hand (agent.ts). For the same reason the bundle is taken, unless it is
// older than what was compiled since.
import { statSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

// A collection leaves no half-empty pages, and drops code that has not run since the last but one; 10 MB after many boots.
// The optimizing compiler would cost 5 MB more, and an agent waits for others nearly all the time.
for (const flag of ['--compact-on-every-full-gc', '--bytecode-old-age=2', '--flush-baseline-code', '--no-opt'])
  setFlagsFromString(flag);

const writtenAt = (path) => statSync(new URL(path, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;

const bundledAt = writtenAt('../dist/bundle/bin/ecompute.js');
// Only in a source tree does the compiler leave its notes, each time that it compiles.
const compiledAt = Math.max(
  ...['..', '../../common', '../../libvirt'].map((folder) => writtenAt(`${folder}/tsconfig.tsbuildinfo`)),
);
await import(bundledAt > 0 && bundledAt >= compiledAt ? '../dist/bundle/bin/ecompute.js' : '../dist/bin/ecompute.js');
