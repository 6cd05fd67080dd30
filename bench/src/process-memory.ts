import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@etcd-compute/testing/wait-for';

/** What a process has in memory, as /proc counts it; all sizes in KiB. */
export interface ProcessMemory {
  /** Resident: everything that is mapped and in memory, shared or not. */
  readonly rss: number;
  /** Resident, with each shared page divided among the processes that share it. */
  readonly pss: number;
  /** Resident, by what is mapped there. */
  readonly byMapping: Readonly<Record<Mapping, number>>;
  readonly threads: number;
}

export const MAPPINGS = ['node', 'libraries', 'other files', 'malloc', 'anonymous'] as const;
export type Mapping = (typeof MAPPINGS)[number];

/** A line that begins a mapping in /proc/<pid>/smaps: addresses, permissions, offset, device, inode, name. */
const MAPPING_LINE = /^[0-9a-f]+-[0-9a-f]+ (?:\S+ +){4}(.*)$/;

const kindOf = (name: string, executable: string): Mapping => {
  if (name === executable) return 'node';
  if (name === '[heap]') return 'malloc';
  if (/\.(so|node)(\.|$)/.test(name)) return 'libraries';
  return name.startsWith('/') ? 'other files' : 'anonymous';
};

const sumByMapping = (smaps: string, executable: string): Record<Mapping, number> => {
  const sums = { node: 0, libraries: 0, 'other files': 0, malloc: 0, anonymous: 0 };
  let kind: Mapping = 'anonymous';
  for (const line of smaps.split('\n')) {
    const name = MAPPING_LINE.exec(line)?.[1];
    if (name !== undefined) kind = kindOf(name, executable);
    else if (line.startsWith('Rss:')) sums[kind] += Number(/\d+/.exec(line)?.[0]);
  }
  return sums;
};

const field = (text: string, name: string): number => {
  const value = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`could not read the memory of a process: there is no ${name}`);
  return Number(value);
};

export const readProcessMemory = async (pid: number): Promise<ProcessMemory> => {
  const [rollup, smaps, status] = await Promise.all(
    ['smaps_rollup', 'smaps', 'status'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')),
  );
  const executable = MAPPING_LINE.exec((smaps ?? '').split('\n', 1)[0] ?? '')?.[1] ?? '';
  return {
    rss: field(rollup ?? '', 'Rss'),
    pss: field(rollup ?? '', 'Pss'),
    byMapping: sumByMapping(smaps ?? '', executable),
    threads: field(status ?? '', 'Threads'),
  };
};

/** V8's heap of one JavaScript thread, in bytes. */
export interface Heap {
  readonly committed: number;
  readonly used: number;
  /** Held outside of the heap by objects in it, such as buffers. */
  readonly external: number;
}

interface NodeReport {
  readonly javascriptHeap: {
    readonly totalCommittedMemory: number;
    readonly usedMemory: number;
    readonly externalMemory: number;
  };
  readonly workers: readonly NodeReport[];
}

/** A command line for `env` that makes Node write its diagnostic report to `folder` on SIGUSR2. */
export const reportingEnv = (folder: string): string[] => [
  'env',
  `NODE_OPTIONS=--report-on-signal --report-signal=SIGUSR2 --report-compact --report-directory=${folder}`,
];

const toHeap = ({ javascriptHeap: heap }: NodeReport): Heap => ({
  committed: heap.totalCommittedMemory,
  used: heap.usedMemory,
  external: heap.externalMemory,
});

/** Asks a process that was started with `reportingEnv` for its heaps: the main thread's, then those of its workers. */
export const readHeaps = async (pid: number, folder: string): Promise<Heap[]> => {
  process.kill(pid, 'SIGUSR2');
  const report = await waitFor(
    async () => {
      const [name] = (await readdir(folder)).filter((file) => file.startsWith('report.'));
      if (name === undefined) return undefined;
      const path = join(folder, name);
      const parsed = parseWhenComplete(await readFile(path, 'utf8'));
      if (parsed) await rm(path);
      return parsed;
    },
    { what: `a report of process ${pid} in ${folder}` },
  );
  return [report, ...report.workers].map(toHeap);
};

/** Undefined while Node still writes it. */
const parseWhenComplete = (text: string): NodeReport | undefined => {
  try {
    const report: NodeReport = JSON.parse(text);
    return report;
  } catch {
    return undefined;
  }
};
