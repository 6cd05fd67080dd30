import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes, gibToBytes } from '@etcd-compute/common/units';
import { HttpError } from '../../http/http-error.js';

export interface SpaceSettings {
  /** Of one image, in GiB. */
  readonly max_size: number;
  /** Of all of the folder, in GiB. */
  readonly quota?: number | undefined;
  /** Of the file system, in GiB. */
  readonly keep_free: number;
}

/** How much there is room for. */
export interface SpaceGuard {
  /** @throws HttpError 413 when an image has more than it may have, or there is no room for more. */
  readonly check: (sizes: { readonly totalBytes: number; readonly moreBytes: number }) => Promise<void>;
}

export const createSpaceGuard = (folder: string, { max_size, quota, keep_free }: SpaceSettings): SpaceGuard => ({
  check: async ({ totalBytes, moreBytes }) => {
    const most = gibToBytes(max_size);
    if (totalBytes > most)
      throw new HttpError(413, `The image has more than ${formatBytes(most)}, which is what one may have here.`);
    const { bavail, bsize } = await statfs(folder);
    const isDiskFull = moreBytes > bavail * bsize - gibToBytes(keep_free);
    const isQuotaFull = quota !== undefined && (await bytesIn(folder)) + moreBytes > gibToBytes(quota);
    if (isDiskFull || isQuotaFull)
      throw new HttpError(413, 'There is no room for the image: delete others, or ask the operator for more.');
  },
});

/** What its files have, those that are being written included. */
const bytesIn = async (folder: string): Promise<number> => {
  const sizes = (await readdir(folder)).map(async (name) =>
    stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0, // it has gone meanwhile
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
};
