import { gibToBytes } from '@etcd-compute/common/units';
import { createDisk as create, deleteDisk, hasDisk } from '../disks/disk-pool.js';
import { needed, type Step } from './step.js';

export const createDisk: Step = {
  name: 'create-disk',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk + timeouts.libvirt,
  run: async ({ lend, pool, config }, { spec, made, signal }) => {
    const { instance, diskGiB } = spec;
    const image = needed(made.image, 'the image');
    const sizeBytes = config.resize ? gibToBytes(diskGiB) : image.virtualSizeBytes;
    const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
    const options = { instance, image, mode: config.disks.mode, sizeBytes, wait };
    made.disk = await lend('work', async (connection) => create(connection, pool, options), signal);
  },
  undo: async ({ lend, pool, config }, instance, signal) => {
    const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
    await lend('work', async (connection) => deleteDisk(connection, pool, { instance, wait }), signal);
  },
  isThere: async ({ getConnection, pool }, instance) => hasDisk(getConnection(), pool, instance),
};
