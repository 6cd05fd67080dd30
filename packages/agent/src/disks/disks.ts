import { EcomputeError } from '@etcd-compute/common/errors';
import { totalGiB, type FurtherDisk } from '@etcd-compute/common/etcd/messages/disks';
import { findCopy, type DiskCopy, type Shelved } from '@etcd-compute/common/etcd/messages/shelved';
import { diskUuidSchema, type DiskUuid, type InstanceUuid } from '@etcd-compute/common/ids';

/** A disk that an instance is to have. The root disk comes first, and has the instance's uuid. */
export interface PlannedDisk {
  readonly uuid: DiskUuid;
  readonly sizeGiB: number;
  /** What it is made from, when its instance was shelved. */
  readonly copy?: DiskCopy;
}

export const rootDiskOf = (instance: InstanceUuid): DiskUuid => diskUuidSchema.parse(instance);

export type PlannedDisks = readonly [root: PlannedDisk, ...further: PlannedDisk[]];

/**
 * The disks that an instance is to have. Pure.
 *
 * @param diskGiB all that it has allocated; the root disk gets what the further ones leave.
 * @throws ECOMPUTE_REQUEST_INVALID when they leave nothing, or the copy of one is missing.
 */
export const planDisks = (
  {
    instance,
    disks = [],
    shelved,
  }: {
    readonly instance: InstanceUuid;
    readonly disks?: readonly FurtherDisk[] | undefined;
    readonly shelved?: Shelved | undefined;
  },
  diskGiB: number,
): PlannedDisks => {
  const sizeGiB = diskGiB - totalGiB(disks);
  if (sizeGiB < 1)
    throw new EcomputeError(
      'ECOMPUTE_REQUEST_INVALID',
      `the further disks of instance ${instance} have ${totalGiB(disks)} GiB, which leaves nothing of its DISK_GB (${diskGiB}) for the root disk`,
      { hint: 'DISK_GB is the size of all disks together' },
    );
  const plan = (uuid: DiskUuid, size: number): PlannedDisk => {
    const copy = shelved && findCopy(shelved, uuid);
    // An empty disk would look as if its data had never been there.
    if (shelved && !copy)
      throw new EcomputeError(
        'ECOMPUTE_REQUEST_INVALID',
        `the boot request of instance ${instance}, which was shelved, names no copy of its disk ${uuid}`,
        { hint: 'see which copies there are: eschedule image list' },
      );
    return { uuid, sizeGiB: size, ...(copy && { copy }) };
  };
  const further = disks.map(({ uuid, size_gib }) => plan(uuid, size_gib));
  return [plan(rootDiskOf(instance), sizeGiB), ...further];
};
