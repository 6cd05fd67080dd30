/**
 * Writes what the process has asked of etcd and Placement to the file that `CALLS_FILE` names: at its end, and on SIGUSR2. To be
 * imported before the program: `NODE_OPTIONS=--import=...`.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { counts } from './count-calls.js';

const path = process.env['CALLS_FILE'];
const report = (): void => {
  if (path === undefined) return;
  writeFileSync(`${path}.new`, JSON.stringify(counts));
  renameSync(`${path}.new`, path);
};
process.on('exit', report);
process.on('SIGUSR2', report);
