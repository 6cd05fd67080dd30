import { diskUuidSchema, type DiskUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Wish } from '@etcd-compute/common/etcd/messages/wish';
import { removeDiskArgs } from '@etcd-compute/common/wishes/actions/remove-disk';
import type { DeviceOptions } from '../domains/devices.js';
import { furtherDiskPath } from '../disks/further-disks.js';
import { needed, type StepDeps } from './step.js';

export interface WishedDisk extends DeviceOptions {
  readonly uuid: DiskUuid;
  readonly path: string;
}

/** The disk that a wish is about. */
export const wishedDisk = (
  { pool, virtType }: Pick<StepDeps, 'pool' | 'virtType'>,
  instance: InstanceUuid,
  wish: Wish | null | undefined,
): WishedDisk => {
  const { args } = needed(wish ?? undefined, 'the wish');
  const uuid = diskUuidSchema.parse(removeDiskArgs.parse(args).disk);
  const path = furtherDiskPath(pool, { instance, disk: uuid });
  return {
    instance,
    uuid,
    path,
    what: `disk ${uuid}`,
    hasHotPlug: virtType !== 'test',
    find: ({ disks }) => {
      const disk = disks.find((one) => one.path === path);
      return disk && { disk };
    },
  };
};
