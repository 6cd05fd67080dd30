#!/usr/bin/env node
// The bundle is used unless something was compiled after it was made.
import { statSync } from 'node:fs';

const writtenAt = (path) => statSync(new URL(path, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;

const bundledAt = writtenAt('../dist/bundle/eplacement.js');
// The compiler leaves these files only in a source tree, each time that it compiles.
const compiledAt = Math.max(...['..', '../../common'].map((folder) => writtenAt(`${folder}/tsconfig.tsbuildinfo`)));
await import(bundledAt > 0 && bundledAt >= compiledAt ? '../dist/bundle/eplacement.js' : '../dist/bin/eplacement.js');
