import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, open, rename, stat } from 'node:fs/promises';
import type { Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import { addFile, RunningDigests } from '../download/digests.js';
import { imageExists, imagePath } from '../format/cached-image.js';
import { inspectImage } from '@etcd-compute/common/images/inspect';

/** What is known of a snapshot before it is kept. */
export type SnapshotFacts = Pick<Snapshot, 'project' | 'name' | 'host' | 'instance' | 'count' | 'is_consistent'>;

/** Reads all of a file that is to be a snapshot. It is on the disk then. */
export const describeSnapshot = async (path: string, facts: SnapshotFacts, signal: AbortSignal): Promise<Snapshot> => {
  // Guests, which run as another user, read it when disks are on it.
  await chmod(path, 0o644);
  const { size } = await stat(path);
  const digests = new RunningDigests();
  await addFile(digests, path, { bytes: size, signal });
  const { sha256 } = digests.digest();
  const { virtualSizeBytes } = await inspectImage(path, `the snapshot '${facts.name}'`);
  await using file = await open(path, 'r+');
  await file.sync();
  return {
    version: 1,
    id: randomUUID(),
    ...facts,
    sha256,
    bytes: size,
    virtual_bytes: virtualSizeBytes,
    created_at: new Date().toISOString(),
    key: randomBytes(32).toString('base64'),
  };
};

/** Moves a file to where the cache has the image of its content, unless it has it already. */
export const placeImage = async (path: string, folder: string, sha256: string): Promise<void> => {
  if (!(await imageExists(folder, sha256))) await rename(path, imagePath(folder, sha256));
};
