import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Folders } from './folders.js';
import { disksFolder, removeFromLibvirt } from './leftovers.js';
import type { Removed } from './leftovers.js';
import { endLibvirtd, ensureLibvirt, findLibvirt, libvirtStateFiles } from './libvirtd.js';
import { endService, endStrays } from './processes.js';
import type { DemoRecord } from './record.js';
import { removeQemuLogs } from './qemu-logs.js';
import { serverFiles } from './servers.js';
import type { Stage } from './stages.js';

interface CleanUpOptions {
  readonly record: DemoRecord | undefined;
  readonly stage?: Stage;
}

/**
 * Removes all that a demo of this folder has made, and what the folder holds: first what could make more of it, last the record.
 *
 * Placement and etcd go with their data, and with them every allocation and key: so nothing is asked of them, and it does not
 * matter which of them still run.
 */
export const cleanUp = async (folders: Folders, { record, stage }: CleanUpOptions): Promise<void> => {
  const ended = await endProcesses(folders);
  // With processes but no record, somebody has removed the folder: what was made in libvirt is still there.
  const mayBeInLibvirt = record ? record.libvirt !== null : ended > 0;
  const stateDir = record?.hostStateDir ?? folders.hostStateDir;
  const removed = await cleanLibvirt(folders, { stateDir, mayBeInLibvirt, name: record?.libvirt?.name });
  await endLibvirtd(folders);
  await removeQemuLogs(disksFolder(stateDir));
  await rm(stateDir, { recursive: true, force: true });
  await emptyFolder(folders.dir);
  stage?.outcome(
    `${ended} processes, ${removed.domains} domains, ${removed.networks} networks, ${removed.pools} storage pools`,
  );
};

const endProcesses = async (folders: Folders): Promise<number> => {
  const { ecompute, ...others } = serverFiles(folders);
  // ecompute first: with etcd gone, it would wait for it.
  const ended = [await endService(ecompute), ...(await Promise.all(Object.values(others).map(endService)))];
  const strays = await endStrays(folders.dir, libvirtStateFiles(folders));
  return ended.filter(Boolean).length + strays.length;
};

interface CleanLibvirt {
  readonly stateDir: string;
  /** Then a libvirtd is started when none runs. */
  readonly mayBeInLibvirt: boolean;
  readonly name: string | undefined;
}

const cleanLibvirt = async (folders: Folders, { stateDir, mayBeInLibvirt, name }: CleanLibvirt): Promise<Removed> => {
  await using connection = mayBeInLibvirt ? await ensureLibvirt(folders) : await findLibvirt();
  return connection ? await removeFromLibvirt(connection, stateDir, name) : { domains: 0, networks: 0, pools: 0 };
};

/** All but the lock, the record last: until then, a run that is killed can be repeated. */
const emptyFolder = async (dir: string): Promise<void> => {
  const names = (await readdir(dir)).filter((name) => !name.startsWith('demo.'));
  for (const name of names) await rm(join(dir, name), { recursive: true });
  await rm(join(dir, 'demo.json'), { force: true });
};
