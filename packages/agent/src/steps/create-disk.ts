import { gibToBytes } from '@etcd-compute/common/units';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { createDisk as create, deleteDisk, hasDisk, type Disk } from '../disks/disk-pool.js';
import { needed, type Step, type StepContext, type StepDeps } from './step.js';

/** The root disk. */
export const createDisk: Step = {
  name: 'create-disk',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk + timeouts.libvirt,
  run: async (deps, context) => {
    const [{ uuid }] = context.spec.disks;
    context.made.disks = [{ uuid, ...(await makeDisk(deps, context, {})) }];
  },
  undo: async ({ lend, pool, config }, instance, signal) => {
    const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
    const remove = async (connection: Connection): Promise<void> => {
      await deleteDisk(connection, pool, { instance, isNext: true, wait });
      await deleteDisk(connection, pool, { instance, wait });
    };
    await lend('work', remove, signal);
  },
  isThere: async ({ getConnection, pool }, instance) =>
    (await hasDisk(getConnection(), pool, { instance })) || hasDisk(getConnection(), pool, { instance, isNext: true }),
};

/** From the image that was fetched before. */
export const makeDisk = async (
  { lend, pool, config }: Pick<StepDeps, 'lend' | 'pool' | 'config'>,
  { spec, made, signal }: Pick<StepContext, 'spec' | 'made' | 'signal'>,
  which: { readonly isNext?: true },
): Promise<Disk> => {
  const { instance, disks } = spec;
  const [{ sizeGiB }] = disks;
  const image = needed(made.image, 'the image');
  const sizeBytes = config.resize ? gibToBytes(sizeGiB) : image.virtualSizeBytes;
  const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
  const options = { instance, ...which, image, mode: config.disks.mode, sizeBytes, wait };
  return lend('work', async (connection) => create(connection, pool, options), signal);
};
