import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * A process that cannot be mistaken for another one: the kernel reuses pids, but not together with the start time, counted in
 * clock ticks since boot (field 22 of /proc/<pid>/stat), and the boot id.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string;
  readonly bootId: string;
}

/** Undefined when no process has this pid, or when all of its threads have ended. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readStat(pid);
  if (stat === undefined) return undefined;
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return { pid, startTicks: stat.startTicks, bootId };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(identity.pid);
  return now !== undefined && now.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** Sends the signal if, and only if, the pid still is that process. Returns whether it was sent. */
export async function signalProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  isGroup = false,
): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(isGroup ? -identity.pid : identity.pid, signal);
    return true;
  } catch (error) {
    if (isNoSuchProcess(error)) return false;
    throw error;
  }
}

/**
 * Whether the process, or all of its group, was gone within the time. Polls: it also serves processes that are not our children.
 * A group is waited for member by member, because a killed leader may go before the workers that hold its listening socket.
 */
export async function waitForExit(identity: ProcessIdentity, timeoutMs: number, isGroup = false): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  const isThere = async (): Promise<boolean> =>
    (await isAlive(identity)) || (isGroup && (await hasLiveMembers(identity.pid)));
  while (await isThere()) {
    if (performance.now() > deadline) return false;
    await delay(10);
  }
  return true;
}

async function hasLiveMembers(group: number): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readStat(Number(pid))));
  return stats.some((stat) => stat?.group === group);
}

async function readStat(pid: number): Promise<{ startTicks: string; group: number } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The second field is the program's name in parentheses and may hold anything, so count from its end: state is field 3, group 5,
  // number of threads 20, start time 22.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTicks = fields[19];
  // While one of its other threads is still there, so are its open files: sockets listen, locks are held.
  const hasEnded = state === 'X' || (state === 'Z' && Number(fields[17]) <= 1);
  if (startTicks === undefined || hasEnded) return undefined;
  return { startTicks, group: Number(fields[2]) };
}

function isNoSuchProcess(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH';
}
