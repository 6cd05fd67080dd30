/** Writes to file descriptor 3, at the end of the process, what it has asked and how much memory it took: `node --import`. */
import { writeSync } from 'node:fs';
import { counts, type CallCounts } from '@etcd-compute/testing/count-calls';

export interface CallReport extends CallCounts {
  readonly peakKiB: number;
  /** Of all its threads. Hardly changes with what else the machine does. */
  readonly cpuSeconds: number;
}

process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const report: CallReport = { ...counts, peakKiB: maxRSS, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 };
  writeSync(3, JSON.stringify(report));
});
