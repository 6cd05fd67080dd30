import { readCpuSeconds } from '../cpu-seconds.js';
import { median, percentile } from '../figures.js';
import type { Contestant } from './contestants.js';

/** Of one run. */
export interface RunFigures {
  readonly perSecond: number;
  /** From the question for candidates to the answer to the allocation, in milliseconds. */
  readonly times: readonly number[];
  /** Somebody else was faster, and the instance was placed anew. */
  readonly conflicts: number;
  /** Processor time for each instance, in milliseconds. */
  readonly cpuMs: { readonly server: number; readonly etcd: number; readonly client: number };
}

export interface RunOptions {
  readonly clients: number;
  readonly seconds: number;
}

/** Places instances, by some clients each of which has one under way. */
export const schedule = async (contestant: Contestant, { clients, seconds }: RunOptions): Promise<RunFigures> => {
  const { placeOne, pids } = contestant;
  const times: number[] = [];
  let conflicts = 0;
  const [before, clientBefore] = [await readCpuSeconds([pids.server, pids.etcd]), process.cpuUsage()];
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  const run = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const askedAt = performance.now();
      while (!(await placeOne())) conflicts += 1;
      times.push(performance.now() - askedAt);
    }
  };
  await Promise.all(Array.from({ length: clients }, run));
  const elapsedMs = performance.now() - startedAt;
  const client = process.cpuUsage(clientBefore);
  const after = await readCpuSeconds([pids.server, pids.etcd]);
  const cpuMs = (index: number): number => (((after[index] ?? 0) - (before[index] ?? 0)) * 1000) / times.length;
  return {
    perSecond: (times.length / elapsedMs) * 1000,
    times,
    conflicts,
    cpuMs: { server: cpuMs(0), etcd: cpuMs(1), client: (client.user + client.system) / 1000 / times.length },
  };
};

/** Several runs as one. */
export interface Summary {
  readonly perSecond: readonly number[];
  readonly p50: number;
  readonly p99: number;
  readonly conflicts: number;
  /** Medians. */
  readonly cpuMs: RunFigures['cpuMs'];
}

export const sumUp = (runs: readonly RunFigures[]): Summary => {
  const times = runs.flatMap((run) => run.times);
  const medianOf = (part: keyof RunFigures['cpuMs']): number => median(runs.map(({ cpuMs }) => cpuMs[part]));
  return {
    perSecond: runs.map(({ perSecond }) => perSecond),
    p50: percentile(times, 50),
    p99: percentile(times, 99),
    conflicts: runs.reduce((total, run) => total + run.conflicts, 0),
    cpuMs: { server: medianOf('server'), etcd: medianOf('etcd'), client: medianOf('client') },
  };
};
