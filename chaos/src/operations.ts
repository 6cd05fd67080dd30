import { spawn } from 'node:child_process';
import { text as readText } from 'node:stream/consumers';
import { WRONG_CHECKSUM } from './images.js';
import { operationOf, type OperationKind } from './operation-kinds.js';
import { PROGRAM } from './program.js';
import { hostName, type Operation } from './schedule.js';
import type { Stage } from './stage.js';
import { readEtcd } from './world/read-etcd.js';

/** A command of `eschedule`, as a process of its own. */
export interface RunningOperation {
  readonly operation: Operation;
  /** @returns false when it has ended. */
  readonly signal: (signal: NodeJS.Signals) => boolean;
  readonly finished: Promise<Attempt>;
}

/** What became of a command. */
export interface Attempt {
  readonly operation: Operation;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly code: number | null;
  /** Killed by a fault, or because it did not end. */
  readonly signal: NodeJS.Signals | null;
  readonly isHung: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Far longer than its own deadlines for all that it asks of etcd and Placement, on a machine with much else to do. */
const HUNG_AFTER_MS = 180_000;

/** Far longer than a healthy instance takes; one that a fault holds up is let go on without its command. */
const WAIT_SECONDS = { simulated: 12, guests: 90 } as const;

/** That it works is asked, not how fast: the machine may be busy with other things. Below the time after which a command counts as hung. */
const UNDISTURBED_WAIT_SECONDS = { simulated: 50, guests: 150 } as const;

const SIZE = ['--vcpus', '1', '--disk', '1'] as const;

export const startOperation = async (
  stage: Stage,
  operation: Operation,
  waits: Readonly<Record<'simulated' | 'guests', number>> = WAIT_SECONDS,
): Promise<RunningOperation> => {
  const { of, argv, checksum, hasNoOutput, anyDisk } = operationOf(operation.kind);
  const memoryMiB = stage.hasGuests ? '128' : '64';
  const { url, checksum: right } = await stage.images.find(operation.image);
  const count = operation.count === undefined ? [] : ['--count', String(operation.count)];
  const output = hasNoOutput === true ? [] : ['-o', 'json'];
  const image = of === 'new' ? ['--image', url, '--memory', memoryMiB, ...SIZE] : [];
  const digest = checksum && ['--checksum', checksum === 'right' ? right : WRONG_CHECKSUM];
  const wait = ['--wait', '--timeout', `${stage.hasGuests ? waits.guests : waits.simulated}`];
  const host = stage.hosts.find(({ index }) => hostName(index) === operation.name);
  const subject = (of === 'image' && url) || (of === 'host' && host?.uuid) || operation.name;
  const disk = anyDisk === undefined ? undefined : await findDisk(stage, operation.name);
  const startedAt = new Date();
  const args = [
    PROGRAM,
    ...argv(subject, wait).map((word) => (word === anyDisk ? (disk ?? word) : word)),
    ...count,
    ...image,
    ...(digest ?? []),
    ...output,
    '--config',
    stage.scheduleConfig,
  ];
  const child = spawn(process.execPath, args, {
    cwd: stage.dir,
    // Input that stays open, as at a terminal.
    stdio: ['pipe', 'pipe', 'pipe'],
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ESCHEDULE_'))),
  });
  let isHung = false;
  const timer = setTimeout(() => {
    isHung = true;
    child.kill('SIGKILL');
  }, HUNG_AFTER_MS);
  const closed = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  const finish = async (): Promise<Attempt> => {
    const [stdout, stderr] = await Promise.all([readText(child.stdout), readText(child.stderr), closed]);
    clearTimeout(timer);
    const durationMs = Date.now() - startedAt.getTime();
    return { operation, startedAt, durationMs, code: child.exitCode, signal: child.signalCode, isHung, stdout, stderr };
  };
  return {
    operation,
    signal: (signal) => child.exitCode === null && child.signalCode === null && child.kill(signal),
    finished: finish(),
  };
};

/** A disk that the instance of this name has beside its root disk; undefined also while etcd cannot be read. */
const findDisk = async (stage: Stage, name: string): Promise<string | undefined> => {
  const world = await readEtcd(stage).catch(() => undefined);
  return world?.records.find((record) => record.name === name)?.disks[0]?.uuid;
};

/** Runs one command to its end where no fault is about. */
export const runUndisturbed = async (stage: Stage, kind: OperationKind, name: string): Promise<Attempt> => {
  const operation = { atMs: 0, kind, name, image: 'image-0' };
  return (await startOperation(stage, operation, UNDISTURBED_WAIT_SECONDS)).finished;
};
