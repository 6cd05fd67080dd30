import { EcomputeError } from '@etcd-compute/common/errors';
import type { SnapshotName } from '@etcd-compute/common/etcd/keys';
import type { ImageCache } from '../cache/cache.js';
import { publishSnapshots, type PublishDeps } from '../snapshots/publish.js';

interface RemoveDeps extends Omit<PublishDeps, 'snapshots'> {
  readonly images: ImageCache;
  readonly countDisks: () => Promise<ReadonlyMap<string, number>>;
  readonly graceMs: number;
}

/**
 * Forgets a snapshot. Its image goes with it, unless disks of this host are on it: then it is a cached image as any other from now on, and
 * goes when nobody needs it. Repeatable.
 *
 * @param named with `id`, that one and no later one of the same name.
 * @returns what was done, for people. @throws ECOMPUTE_IMAGE_IN_USE
 */
export const removeSnapshot = async (
  deps: RemoveDeps,
  { sha256, id, ...named }: SnapshotName & { readonly sha256: string | undefined; readonly id: string | undefined },
): Promise<string> => {
  const { images, countDisks, graceMs } = deps;
  const { snapshots } = images;
  const snapshot = id === undefined ? snapshots.find(named) : snapshots.list().find((one) => one.id === id);
  const isWanted = snapshot !== undefined && (sha256 === undefined || snapshot.sha256 === sha256);
  if (isWanted && snapshots.isUsed(snapshot.id))
    throw new EcomputeError(
      'ECOMPUTE_IMAGE_IN_USE',
      `could not remove the snapshot '${named.name}': another host is fetching it`,
      {
        hint: 'try again when that is done: see `eschedule list`',
      },
    );
  if (isWanted) await snapshots.remove(snapshot);
  await publishSnapshots({ ...deps, snapshots });
  if (!isWanted) return 'it was not there';
  const disks = (await countDisks()).get(snapshot.sha256) ?? 0;
  if (disks > 0)
    return `removed; its image stays until the ${disks === 1 ? 'disk on it is' : `${disks} disks on it are`} gone`;
  const held = (await images.list()).find((image) => image.sha256 === snapshot.sha256);
  return held && !(await images.remove(held, graceMs)) ? 'removed; its image stays for a while' : 'removed';
};
