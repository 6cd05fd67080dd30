import { replaceDisk as replace } from '../disks/disk-pool.js';
import type { Step } from './step.js';

/** Puts the disk that was prepared in the place of the old one, which is gone then. */
export const replaceDisk: Step = {
  name: 'replace-disk',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk + timeouts.libvirt,
  run: async ({ lend, pool, config, virtType }, { spec: { instance }, signal }) => {
    const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
    const options = { instance, hasFiles: virtType !== 'test', wait };
    await lend('work', async (connection) => replace(connection, pool, options), signal);
  },
};
