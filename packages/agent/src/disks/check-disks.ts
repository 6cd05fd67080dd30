import { EcomputeError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { listMarkedDomains } from '../instances/domain.js';
import { listDisks, type DiskPool } from './disk-pool.js';

/**
 * Makes sure that no disk is out of sight, as all are when their file system is not mounted: nobody can tell then which cached image a
 * disk is on.
 *
 * @throws ECOMPUTE_DISK_FAILED when a domain of this host has no disk in the pool.
 */
export const checkDisksAreThere = async (connection: Connection, pool: DiskPool, host: ProviderUuid): Promise<void> => {
  const there = new Set<string>(await listDisks(connection, pool));
  for await (const { domain, host: owner } of listMarkedDomains(connection)) {
    if (owner !== host || there.has(domain.uuid)) continue;
    throw new EcomputeError(
      'ECOMPUTE_DISK_FAILED',
      `the disk of domain ${domain.uuid} is not in ${pool.folder}; cached images are kept, since disks may be on them`,
      { hint: `mount the file system of ${pool.folder}; if the disk is gone for good, destroy the instance` },
    );
  }
};
