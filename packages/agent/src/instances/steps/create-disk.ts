import { gibToBytes } from '@etcd-compute/common/units';
import { createDisk as create, deleteDisk } from '../../disks/disk-pool.js';
import { needed, type Step } from './step.js';

export const createDisk: Step = {
  name: 'create-disk',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk,
  run: async ({ getConnection, pool, config }, context) => {
    const { instance, diskGiB } = context.spec;
    const image = needed(context.made.image, 'the image');
    const sizeBytes = config.resize ? gibToBytes(diskGiB) : image.virtualSizeBytes;
    context.made.disk = await create(getConnection(), pool, { instance, image, mode: config.disks.mode, sizeBytes });
  },
  undo: async ({ getConnection, pool }, instance) => deleteDisk(getConnection(), pool, instance),
};
