/** Writes to file descriptor 3, at the end of the process, what it has asked and how much memory it took: `node --import`. */
import { writeSync } from 'node:fs';
import { counts, type CallCounts } from './count-calls.js';

export interface CallReport extends CallCounts {
  readonly peakKiB: number;
}

process.on('exit', () => {
  const report: CallReport = { ...counts, peakKiB: process.resourceUsage().maxRSS };
  writeSync(3, JSON.stringify(report));
});
