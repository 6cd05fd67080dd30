import { isCopyName } from '@etcd-compute/common/etcd/messages/shelved';
import type { Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { countDisksOnImages } from '../disks/disk-pool.js';
import type { SnapshotDeps } from './snapshot-deps.js';

/** The copies of an instance's disks that this host holds: it is shelved, or was, or is about to be. */
export const copiesOf = ({ images }: Pick<SnapshotDeps, 'images'>, instance: InstanceUuid): Snapshot[] =>
  images.snapshots.list().filter((one) => one.instance === instance && isCopyName(one.name));

/** Removes them, with their files unless a disk is on one. Repeatable; a file that cannot go now goes as any unused image does. */
export const discardCopies = async (
  { images, getConnection, pool, config }: Pick<SnapshotDeps, 'images' | 'getConnection' | 'pool' | 'config'>,
  instance: InstanceUuid,
): Promise<void> => {
  const copies = copiesOf({ images }, instance);
  for (const copy of copies) await images.snapshots.remove(copy);
  if (copies.length === 0) return;
  const disks = await countDisksOnImages(getConnection(), pool);
  for (const held of await images.list()) {
    const isCopy = copies.some(({ sha256 }) => sha256 === held.sha256);
    if (isCopy && !disks.has(held.sha256)) await images.remove(held, config.timeouts.disk * 2000);
  }
};
