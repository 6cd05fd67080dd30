import type { IncomingMessage, ServerResponse } from 'node:http';
import { serveFile } from '@etcd-compute/common/endpoint/serve-file';
import { EcomputeError } from '@etcd-compute/common/errors';
import { imagePath } from '../images/format/cached-image.js';
import type { SnapshotFiles } from '../images/snapshots/snapshot-files.js';

interface ServeOptions {
  readonly id: string;
  readonly snapshots: SnapshotFiles;
  /** Of the cache of images. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Sends the file of a snapshot, or what comes after a byte of it. It cannot be removed meanwhile. */
export const serveSnapshot = async (
  request: IncomingMessage,
  response: ServerResponse,
  { id, snapshots, folder, signal }: ServeOptions,
): Promise<void> => {
  const snapshot = snapshots.list().find((one) => one.id === id);
  if (!snapshot)
    throw new EcomputeError('ECOMPUTE_SNAPSHOT_UNKNOWN', `there is no snapshot ${id} on this host any more`);
  const { sha256 } = snapshot;
  await snapshots.use(id, async () => {
    await serveFile(request, response, { path: imagePath(folder, sha256), sha256, signal });
  });
};
