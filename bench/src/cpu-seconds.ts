import { readdir, readFile } from 'node:fs/promises';

const CLOCK_TICKS = 100;

/** Processor time so far of the process groups of these processes: each is the leader of its own. Summed up for each list. */
export const readCpuSeconds = async (leaders: readonly (readonly number[])[]): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map(async (pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  const ticks = new Map<number, number>();
  for (const stat of stats) {
    // From the end of the second field, the name: the group is field 5, times of user and kernel are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const group = Number(fields[2]);
    ticks.set(group, (ticks.get(group) ?? 0) + Number(fields[11]) + Number(fields[12]));
  }
  return leaders.map((group) => group.reduce((total, pid) => total + (ticks.get(pid) ?? 0), 0) / CLOCK_TICKS);
};
