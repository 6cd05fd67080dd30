import { readdir, readFile } from 'node:fs/promises';
import { findService } from './processes.js';
import type { Folders } from './folders.js';
import { serverFiles } from './servers.js';

/** What the servers of the demo's cloud have in memory. libvirt is the host's business, and the image server somebody else's. */
export const readMemory = async (folders: Folders): Promise<{ name: string; bytes: number }[]> => {
  const { etcd, placement, ecompute, eapi } = serverFiles(folders);
  const sizes = await readGroups();
  const memory: { name: string; bytes: number }[] = [];
  for (const [name, stateFile] of Object.entries({ etcd, Placement: placement, ecompute, eapi })) {
    const service = await findService(stateFile);
    if (service) memory.push({ name, bytes: sizes.get(service.pid) ?? 0 });
  }
  return memory;
};

const PAGE_BYTES = 4096;

/** Resident bytes by process group: a service leads one. */
const readGroups = async (): Promise<ReadonlyMap<number, number>> => {
  const sizes = new Map<number, number>();
  for (const pid of await readdir('/proc')) {
    const stat = /^\d+$/.test(pid) ? await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '') : '';
    // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: fields 3 and on follow the name, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [group, pages] = [Number(fields[2]), Number(fields[21])];
    if (stat !== '') sizes.set(group, (sizes.get(group) ?? 0) + pages * PAGE_BYTES);
  }
  return sizes;
};
