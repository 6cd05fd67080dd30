import { gibToBytes } from '@etcd-compute/common/units';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { DomainXMLFlags } from '@etcd-compute/libvirt/constants';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { diskCapacity, diskPath, growDisk as grow, type Disk } from '../disks/disk-pool.js';
import type { GuestSpec } from '../guest-config/guest-spec.js';
import type { Step, StepDeps } from './step.js';

/** Gives the guest the root disk that it is to have; one that is as large is left alone. */
export const growDisk: Step = {
  name: 'grow-disk',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk + timeouts.libvirt,
  run: async (deps, { spec, signal }) => {
    const { lend, pool, config, virtType } = deps;
    if (await isDiskGrown(deps, spec)) return;
    const wait = { signal, timeoutMs: config.timeouts.disk * 1000 };
    const work = async (connection: Connection): Promise<void> => {
      const disk = await findDisk(connection, deps, spec);
      const sizeBytes = gibToBytes(spec.disks[0].sizeGiB);
      await grow(connection, pool, { instance: spec.instance, disk, sizeBytes, hasFiles: virtType !== 'test', wait });
    };
    await lend('work', work, signal);
  },
};

/** True where the config leaves disks as large as their images. */
export const isDiskGrown = async (
  deps: Pick<StepDeps, 'getConnection' | 'pool' | 'config' | 'virtType'>,
  spec: GuestSpec,
): Promise<boolean> => {
  if (!deps.config.resize) return true;
  const connection = deps.getConnection();
  const disk = await findDisk(connection, deps, spec);
  const options = { instance: spec.instance, disk, hasFiles: deps.virtType !== 'test' };
  return (await diskCapacity(connection, deps.pool, options)) >= BigInt(gibToBytes(spec.disks[0].sizeGiB));
};

/** Its format is what the domain says: a guest may have written any header to a raw disk. */
const findDisk = async (
  connection: Connection,
  { pool }: Pick<StepDeps, 'pool'>,
  { instance }: GuestSpec,
): Promise<Disk> => {
  const path = diskPath(pool, instance);
  await using domain = await connection.domainLookupByUUID(instance);
  const { disks } = parseDomain(await domain.getXMLDesc(DomainXMLFlags.INACTIVE));
  const disk = disks.find((one) => one.path === path);
  if (!disk) throw new Error(`the domain of instance ${instance} has no disk ${path}`);
  return { path, format: disk.format };
};
