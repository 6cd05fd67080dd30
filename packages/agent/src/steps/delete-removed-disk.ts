import { deleteFurtherDisk } from '../disks/further-disks.js';
import type { Step } from './step.js';
import { wishedDisk } from './wished-disk.js';

/** The file of the disk that a wish is about: no domain has it any more. */
export const deleteRemovedDisk: Step = {
  name: 'delete-removed-disk',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk + timeouts.libvirt,
  run: async (deps, { spec: { instance }, wish, signal }) => {
    const { lend, pool, config } = deps;
    const { uuid } = wishedDisk(deps, instance, wish);
    const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
    await lend(
      'work',
      async (connection) => deleteFurtherDisk(connection, pool, { instance, disk: uuid, wait }),
      signal,
    );
  },
};
