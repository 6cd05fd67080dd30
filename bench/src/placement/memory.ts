import { readdir, readFile } from 'node:fs/promises';
import { readProcessMemory } from '../process-memory.js';

/** Resident memory of a process now, and at its peak, in KiB. */
export const readResident = async (pid: number): Promise<{ readonly now: number; readonly peak: number }> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { now: field('VmRSS'), peak: field('VmHWM') };
};

/** What a group of processes has in memory, with what they share counted once, in KiB. */
export const readGroup = async (leader: number): Promise<number> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      // From the end of the second field, the name: the group is field 5.
      const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
      return group === leader ? (await readProcessMemory(Number(pid))).pss : 0;
    }),
  );
  return sizes.reduce((total, size) => total + size, 0);
};
