import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { snapshotSchema, type Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import type { SnapshotName } from '@etcd-compute/common/etcd/keys';
import type { Logger } from '@etcd-compute/common/log';
import { listFolder } from '../../state-folder/instance-files.js';
import { replaceFile } from '../../state-folder/replace-file.js';

/**
 * What this host knows of the snapshots that it holds: a file each, `<id>.json`. The image itself stands in the cache of images, from which
 * it is not removed as long as such a file names it: there is no other copy. etcd repeats what the files say.
 */
export interface SnapshotFiles {
  /** The oldest first. */
  readonly list: () => readonly Snapshot[];
  readonly find: (named: SnapshotName) => Snapshot | undefined;
  /** Whether a cached image is a snapshot, or about to be one. */
  readonly isHeld: (sha256: string) => boolean;
  /** Begins to hold an image that is about to be a snapshot. @returns ends that; by then the snapshot has been added, or will not be. */
  readonly hold: (sha256: string) => () => void;
  /** Stays, also when the host goes down at once. */
  readonly add: (snapshot: Snapshot) => Promise<void>;
  readonly remove: (snapshot: Snapshot) => Promise<void>;
  /** Runs a task that needs the snapshot's image. */
  readonly use: (id: string, task: () => Promise<void>) => Promise<void>;
  /** Whether such a task runs. */
  readonly isUsed: (id: string) => boolean;
}

export const openSnapshotFiles = async (folder: string, log: Logger): Promise<SnapshotFiles> => {
  const pathOf = ({ id }: Pick<Snapshot, 'id'>): string => join(folder, `${id}.json`);
  const held = new Map<string, Snapshot>();
  const users = new Map<string, number>();
  const countUser = (id: string, change: 1 | -1): void => void users.set(id, (users.get(id) ?? 0) + change);
  const arriving: string[] = [];
  for (const name of await listFolder(folder)) {
    const path = join(folder, name);
    if (!name.endsWith('.json')) await rm(path, { force: true });
    else
      try {
        const snapshot = snapshotSchema.parse(JSON.parse(await readFile(path, 'utf8')));
        held.set(snapshot.id, snapshot);
      } catch (err) {
        log.error({ err, path }, 'file about a snapshot not understood, left as it is');
      }
  }
  const list = (): Snapshot[] => [...held.values()].toSorted((a, b) => a.created_at.localeCompare(b.created_at));
  return {
    list,
    find: ({ project, name }) => list().findLast((one) => one.project === project && one.name === name),
    isHeld: (sha256) => arriving.includes(sha256) || list().some((one) => one.sha256 === sha256),
    hold: (sha256) => {
      arriving.push(sha256);
      return () => void arriving.splice(arriving.indexOf(sha256), 1);
    },
    add: async (snapshot) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await replaceFile(pathOf(snapshot), `${JSON.stringify(snapshot)}\n`);
      held.set(snapshot.id, snapshot);
    },
    remove: async (snapshot) => {
      await rm(pathOf(snapshot), { force: true });
      held.delete(snapshot.id);
      users.delete(snapshot.id);
    },
    use: async (id, task) => {
      countUser(id, 1);
      try {
        await task();
      } finally {
        countUser(id, -1);
      }
    },
    isUsed: (id) => (users.get(id) ?? 0) > 0,
  };
};
