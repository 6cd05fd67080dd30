import type { Resources } from '@etcd-compute/common/capacity/capacity';
import { listRequested, type RequestedDeps } from '@etcd-compute/common/etcd/list-requested';
import { instanceUuidSchema, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { GIB, kibToMiB } from '@etcd-compute/common/units';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import type { DiskPool } from '../disks/disk-pool.js';
import { findDomain, listMarkedDomains } from '../domains/domain.js';
import type { OwnProvider } from './own-provider.js';

export interface ForgottenDeps extends RequestedDeps {
  readonly provider: Pick<OwnProvider, 'consumers'>;
  readonly getConnection: () => Connection;
  readonly pool: Pick<DiskPool, 'name'>;
}

/**
 * What guests of ours use that nobody counts any more: they have neither a boot request nor an allocation, because etcd was restored from
 * a backup that is older than they are, or was emptied. Until a person has decided about them, nobody else may have their room.
 */
export const findForgotten = async ({ store, keys, host, ...deps }: ForgottenDeps): Promise<Resources> => {
  const { provider, getConnection, pool } = deps;
  const guests = await listGuests(getConnection(), host);
  // Read last: one that has come meanwhile has its request. One that has gone has nothing left to be measured.
  const requested = await listRequested({ store, keys, host });
  const suspects = guests.filter((instance) => !requested.has(instance));
  if (suspects.length === 0) return {};
  const holders = await provider.consumers();
  const forgotten = suspects.filter((instance) => !holders.has(instance));
  return forgotten.length === 0 ? {} : measure(getConnection(), { pool, forgotten });
};

const listGuests = async (connection: Connection, host: ProviderUuid): Promise<InstanceUuid[]> => {
  const guests: InstanceUuid[] = [];
  for await (const { domain, ...mark } of listMarkedDomains(connection)) {
    const instance = instanceUuidSchema.safeParse(domain.uuid).data;
    if (instance !== undefined && mark.host === host) guests.push(instance);
  }
  return guests;
};

interface Measured {
  readonly pool: Pick<DiskPool, 'name'>;
  readonly forgotten: readonly InstanceUuid[];
}

/** As libvirt has them: their requests, which said what they may use, are gone. */
const measure = async (connection: Connection, { pool, forgotten }: Measured): Promise<Resources> => {
  let [vcpus, memoryMiB] = [0, 0];
  for (const instance of forgotten) {
    await using domain = await findDomain(connection, instance);
    const info = await domain?.getInfo().catch((err: unknown) => {
      if (!isLibvirtError(err, 'VIR_ERR_NO_DOMAIN')) throw err;
    });
    vcpus += info?.vcpus ?? 0;
    memoryMiB += kibToMiB(info?.maxMemoryKiB ?? 0);
  }
  return { VCPU: vcpus, MEMORY_MB: memoryMiB, DISK_GB: await measureDisks(connection, { pool, forgotten }) };
};

/** In whole GiB, rounded up: of all their disks. */
const measureDisks = async (connection: Connection, { pool: { name }, forgotten }: Measured): Promise<number> => {
  let bytes = 0;
  await using pool = await connection.storagePoolLookupByName(name);
  for (const volume of await pool.listAllVolumes()) {
    await using handle = volume;
    if (forgotten.some((instance) => handle.name.startsWith(`${instance}.`)))
      bytes += Number((await handle.getInfo()).capacityBytes);
  }
  return Math.ceil(bytes / GIB);
};
