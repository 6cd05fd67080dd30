import { EcomputeError } from '@etcd-compute/common/errors';
import { totalGiB, type FurtherDisk } from '@etcd-compute/common/etcd/messages/disks';
import { diskUuidSchema, type DiskUuid, type InstanceUuid } from '@etcd-compute/common/ids';

/** A disk that an instance is to have. The root disk comes first, and has the instance's uuid. */
export interface PlannedDisk {
  readonly uuid: DiskUuid;
  readonly sizeGiB: number;
}

export const rootDiskOf = (instance: InstanceUuid): DiskUuid => diskUuidSchema.parse(instance);

export type PlannedDisks = readonly [root: PlannedDisk, ...further: PlannedDisk[]];

/**
 * The disks that an instance is to have. Pure.
 *
 * @param diskGiB all that it has allocated; the root disk gets what the further ones leave.
 * @throws ECOMPUTE_REQUEST_INVALID when they leave nothing.
 */
export const planDisks = (
  { instance, disks = [] }: { readonly instance: InstanceUuid; readonly disks?: readonly FurtherDisk[] | undefined },
  diskGiB: number,
): PlannedDisks => {
  const sizeGiB = diskGiB - totalGiB(disks);
  if (sizeGiB < 1)
    throw new EcomputeError(
      'ECOMPUTE_REQUEST_INVALID',
      `the further disks of instance ${instance} have ${totalGiB(disks)} GiB, which leaves nothing of its DISK_GB (${diskGiB}) for the root disk`,
      { hint: 'DISK_GB is the size of all disks together' },
    );
  const further = disks.map(({ uuid, size_gib }) => ({ uuid, sizeGiB: size_gib }));
  return [{ uuid: rootDiskOf(instance), sizeGiB }, ...further];
};
