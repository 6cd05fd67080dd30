#!/usr/bin/env node
'use strict';
/**
 * Starts `eschedule` fast: people wait for it, and scripts call it in loops. Loading its 500 modules one by one takes longer than all the
 * work of a boot. So `bundle.mjs` makes one file of them and stores V8's compiled code beside it. This launcher picks:
 *
 *   no bundle, or something was compiled after it  ->  the modules as they are (slow, always right)
 *   a code cache made by another version of Node   ->  the bundle, with Node's own compile cache in the user's folder
 *   else                                           ->  the bundle with its code cache
 *
 * V8 checks that the cache belongs to its version and flags. Node has a compile cache of its own since 22.8. This file is CommonJS because
 * an ES module cannot be given a code cache.
 */
const { readFileSync, statSync } = require('node:fs');
const Module = require('node:module');
const { homedir } = require('node:os');
const path = require('node:path');
const { Script } = require('node:vm');

const root = path.dirname(__dirname);
const folder = path.join(root, 'dist', 'bundle');
const bundle = path.join(folder, 'eschedule.cjs');

/** When a file was written, in milliseconds; undefined when there is none. */
const writtenAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs;

/** The compiler leaves these files only in a source tree, each time that it compiles. */
const isFresh = (bundledAt) =>
  [root, ...['cloud', 'common', 'placement'].map((name) => path.join(root, '..', name))].every((folder) => {
    const compiledAt = writtenAt(path.join(folder, 'tsconfig.tsbuildinfo'));
    return compiledAt === undefined || compiledAt <= bundledAt;
  });

const readCache = () => {
  try {
    return readFileSync(`${bundle}.cache`);
  } catch {
    return undefined; // not made, or not for us to read: it only costs time
  }
};

const runBundle = () => {
  const cachedData = readCache();
  const source = Module.wrap(readFileSync(bundle, 'utf8'));
  const script = new Script(source, { filename: bundle, ...(cachedData && { cachedData }) });
  if (script.cachedDataRejected !== false && Module.enableCompileCache) {
    // Not where Node would put it, which is a folder that everyone may write to: what is cached there is run.
    const caches = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
    Module.enableCompileCache(path.join(caches, 'eschedule'));
    require(bundle);
    return;
  }
  const module = new Module(bundle);
  module.filename = bundle;
  script.runInThisContext().call(module.exports, module.exports, Module.createRequire(bundle), module, bundle, folder);
};

const bundledAt = writtenAt(bundle);
if (bundledAt !== undefined && isFresh(bundledAt)) runBundle();
else void import('../dist/bin/eschedule.js');
