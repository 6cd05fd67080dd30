import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
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
  await snapshots.use(id, async () => {
    await using file = await open(imagePath(folder, snapshot.sha256), 'r');
    const { size } = await file.stat();
    const etag = `"${snapshot.sha256}"`;
    const first = firstByteOf(request, { etag, size });
    response.writeHead(first === 0 ? 200 : 206, {
      'content-type': 'application/octet-stream',
      'content-length': size - first,
      'accept-ranges': 'bytes',
      etag,
      ...(first > 0 && { 'content-range': `bytes ${first}-${size - 1}/${size}` }),
    });
    await pipeline(file.createReadStream({ start: first, autoClose: false, highWaterMark: 256 * 1024 }), response, {
      signal,
    });
  });
};

/** Of the one form that agents ask in. Anything else gets the whole file, as RFC 9110 lets a server do. */
const firstByteOf = ({ headers }: IncomingMessage, { etag, size }: { etag: string; size: number }): number => {
  const [, digits] = /^bytes=(\d{1,15})-$/.exec(headers.range ?? '') ?? [];
  const isSame = headers['if-range'] === undefined || headers['if-range'] === etag;
  return digits !== undefined && isSame && Number(digits) < size ? Number(digits) : 0;
};
