import { gibToBytes } from '@etcd-compute/common/units';
import { addDiskArgs } from '@etcd-compute/common/wishes/actions/add-disk';
import { createFurtherDisk } from '../disks/further-disks.js';
import { needed, type Step } from './step.js';

/** The empty disk that is asked for. */
export const createAddedDisk: Step = {
  name: 'create-added-disk',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk + timeouts.libvirt,
  run: async ({ lend, pool, config }, { spec: { instance }, wish, signal }) => {
    const { disk, size_gib } = addDiskArgs.parse(needed(wish ?? undefined, 'the wish').args);
    const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
    const options = { instance, disk, sizeBytes: gibToBytes(size_gib), wait };
    await lend('work', async (connection) => createFurtherDisk(connection, pool, options), signal);
  },
};
