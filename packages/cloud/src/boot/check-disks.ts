import type { Want } from '@etcd-compute/common/capacity/capacity';
import { EcomputeError } from '@etcd-compute/common/errors';
import { MAX_FURTHER_DISKS } from '@etcd-compute/common/etcd/messages/disks';

/** @throws EcomputeError ECOMPUTE_USAGE when an instance could not have these disks. */
export const checkDisks = ({
  want,
  addDisks = [],
}: {
  readonly want: Want;
  readonly addDisks?: readonly number[];
}): void => {
  if (addDisks.length > MAX_FURTHER_DISKS)
    throw new EcomputeError('ECOMPUTE_USAGE', `${addDisks.length} further disks are too many`, {
      hint: `an instance has at most ${MAX_FURTHER_DISKS} beside its root disk`,
    });
  const further = addDisks.reduce((sum, sizeGiB) => sum + sizeGiB, 0);
  const { DISK_GB: all = 0 } = want.resources;
  if (addDisks.length > 0 && further >= all)
    throw new EcomputeError(
      'ECOMPUTE_USAGE',
      `further disks of ${further} GiB leave nothing of DISK_GB ${all} for the root disk`,
      { hint: 'DISK_GB is the size of all disks together' },
    );
};
