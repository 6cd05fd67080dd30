import { statfs } from 'node:fs/promises';
import { EcomputeError } from '@etcd-compute/common/errors';
import { formatBytes, gibToBytes } from '@etcd-compute/common/units';
import type { ImagesSection } from '../../config/images.js';

/** How much of the disk an image may take. */
export interface SpaceGuard {
  /**
   * @param what begins the error, such as `could not download http://...`.
   * @throws ECOMPUTE_IMAGE_TOO_LARGE, or ECOMPUTE_IMAGE_NO_SPACE when `moreBytes` do not fit now.
   */
  readonly check: (what: string, sizes: { totalBytes: number; moreBytes: number }) => Promise<void>;
}

/** @param reclaim frees what is least worth its space, and says whether there was anything. */
export const createSpaceGuard = (
  folder: string,
  { max_size, keep_free }: Pick<ImagesSection, 'max_size' | 'keep_free'>,
  reclaim: () => Promise<boolean>,
): SpaceGuard => ({
  check: async (what, { totalBytes, moreBytes }) => {
    if (totalBytes > gibToBytes(max_size))
      throw new EcomputeError(
        'ECOMPUTE_IMAGE_TOO_LARGE',
        `${what}: it has more than the ${formatBytes(gibToBytes(max_size))} that this host allows for an image`,
        { hint: 'use a smaller image, or set images.max_size of the hosts' },
      );
    let freeBytes = await freeIn(folder, keep_free);
    if (moreBytes > freeBytes && (await reclaim())) freeBytes = await freeIn(folder, keep_free);
    if (moreBytes <= freeBytes) return;
    throw new EcomputeError(
      'ECOMPUTE_IMAGE_NO_SPACE',
      `${what}: it needs ${formatBytes(moreBytes)} more, and ${folder} has ${formatBytes(freeBytes)} for images`,
      {
        retryable: true,
        hint: 'free some space on the host, set images.keep_free, or set state_dir to a larger file system',
      },
    );
  },
});

const freeIn = async (folder: string, keepFreeGiB: number): Promise<number> => {
  const { bavail, bsize } = await statfs(folder);
  return Math.max(0, bavail * bsize - gibToBytes(keepFreeGiB));
};
