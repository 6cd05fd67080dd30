import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Presence } from '@etcd-compute/common/etcd/messages/presence';

/** Identifies a process on a machine and a boot: the kernel reuses pids. */
export type ProcessIdentity = Presence['process'];

/**
 * The 22nd field of /proc/<pid>/stat; the 2nd, the command, may hold spaces and parentheses. Undefined when the process is gone, or
 * dead and not yet reaped (the 3rd field is Z). It is not dead while any of its threads (counted in the 20th) is there: that may be in a
 * call to libvirt. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
const startTicks = async (pid: number): Promise<string | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  const isDead = fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1);
  return isDead ? undefined : fields[19];
};

export const readBootId = async (): Promise<string> => {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return text.trim();
};

export const identifyThisProcess = async (): Promise<ProcessIdentity> => ({
  machine: hostname(),
  boot_id: await readBootId(),
  pid: process.pid,
  start_ticks: (await startTicks(process.pid)) ?? '',
});

/** Whether that process, of a machine that this one may be, still runs here. */
export const isRunningHere = async ({ boot_id, pid, start_ticks }: ProcessIdentity): Promise<boolean> =>
  boot_id === (await readBootId()) && (await startTicks(pid)) === start_ticks;

/**
 * True when that process was of this machine and this boot of it, and is over. False when that cannot be known: a machine that was
 * made from a copy of another one's disk has the other's name.
 */
export const isKnownDead = async (identity: ProcessIdentity): Promise<boolean> =>
  identity.machine === hostname() && identity.boot_id === (await readBootId()) && !(await isRunningHere(identity));
