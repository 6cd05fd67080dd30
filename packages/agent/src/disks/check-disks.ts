import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { listMarkedDomains } from '../domains/domain.js';
import { areTooMany } from '../limits/too-many.js';
import { listDiskFiles, listDisks, type DiskPool } from './disk-pool.js';

/**
 * Makes sure that no disk is missing, for example because a file system is not mounted: a missing disk may use any cached image.
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

/**
 * Why a domain without its disk cannot start. If most disks are gone, the cause is not this one.
 *
 * @returns undefined when the disk is there.
 */
export const explainMissingDisk = async (
  connection: Connection,
  { folder }: Pick<DiskPool, 'folder'>,
  { instance, host, cause }: { instance: InstanceUuid; host: ProviderUuid; cause: unknown },
): Promise<EcomputeError | undefined> => {
  const there = new Set<string>(await listDiskFiles(folder));
  if (there.has(instance)) return undefined;
  let guests = 0;
  let gone = 0;
  for await (const { domain, host: owner } of listMarkedDomains(connection)) {
    if (owner !== host) continue;
    guests += 1;
    if (!there.has(domain.uuid)) gone += 1;
  }
  const hint = `mount the file system of ${folder}, or put the disk back`;
  return areTooMany({ of: guests, gone })
    ? new EcomputeError(
        'ECOMPUTE_STATE_DIR_UNUSABLE',
        `the disks of ${gone} of ${guests} guests are not in ${folder}`,
        {
          cause,
          hint,
          retryable: true,
        },
      )
    : new EcomputeError('ECOMPUTE_DISK_FAILED', `could not start domain ${instance}: its disk is not in ${folder}`, {
        cause,
        hint: `${hint}, then: eschedule start ${instance}`,
        retryable: true,
      });
};
