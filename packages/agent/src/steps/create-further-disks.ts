import { gibToBytes } from '@etcd-compute/common/units';
import { createFurtherDisk, deleteFurtherDisk, listFurtherDisks } from '../disks/further-disks.js';
import { needed, type MadeDisk, type Step } from './step.js';

/** The disks beside the root disk: empty, or as they were when the instance was shelved. */
export const createFurtherDisks: Step = {
  name: 'create-further-disks',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk + timeouts.libvirt,
  isNeeded: ({ disks: [, ...further] }) => further.length > 0,
  run: async ({ lend, pool, config }, { spec, made, signal }) => {
    const { instance, disks } = spec;
    const [root] = needed(made.disks, 'the root disk');
    const [, ...planned] = disks;
    const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
    const further: MadeDisk[] = [];
    await lend(
      'work',
      async (connection) => {
        for (const { uuid, sizeGiB, copy } of planned) {
          const image = copy && needed(made.copies?.get(uuid), 'the copy of a disk');
          const from = image && { image, mode: config.disks.mode };
          const options = { instance, disk: uuid, sizeBytes: gibToBytes(sizeGiB), from, wait };
          further.push({ uuid, ...(await createFurtherDisk(connection, pool, options)) });
        }
      },
      signal,
    );
    made.disks = [root, ...further];
  },
  undo: async ({ lend, pool, config }, instance, signal) => {
    const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
    await lend(
      'work',
      async (connection) => {
        for (const disk of await listFurtherDisks(connection, pool, wait))
          if (disk.instance === instance) await deleteFurtherDisk(connection, pool, { ...disk, wait });
      },
      signal,
    );
  },
  isThere: async ({ getConnection, pool }, instance) =>
    (await listFurtherDisks(getConnection(), pool)).some((disk) => disk.instance === instance),
};
