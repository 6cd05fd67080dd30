import { deleteDisk } from '../disks/disk-pool.js';
import type { Step } from './step.js';

/** Takes back `prepare-disk`. */
export const discardNextDisk: Step = {
  name: 'discard-next-disk',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk + timeouts.libvirt,
  run: async ({ lend, pool, config }, { spec: { instance }, signal }) => {
    const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
    await lend('work', async (connection) => deleteDisk(connection, pool, { instance, isNext: true, wait }), signal);
  },
};
