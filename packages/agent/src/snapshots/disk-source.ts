import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { parseStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';
import { diskPath } from '../disks/disk-pool.js';
import { findDomain } from '../domains/domain.js';
import type { SnapshotDeps } from './snapshot-deps.js';

/** The root disk of an instance. */
export interface DiskSource {
  readonly path: string;
  /** As its domain says: a guest can write any header into a raw disk. */
  readonly format: 'raw' | 'qcow2';
  /** Its name in the domain, such as `vda`. */
  readonly target: string;
  readonly isActive: boolean;
}

/** @throws ECOMPUTE_SNAPSHOT_FAILED when the domain or its disk is gone. */
export const findDiskSource = async (
  { getConnection, pool, virtType }: Pick<SnapshotDeps, 'getConnection' | 'pool' | 'virtType'>,
  instance: InstanceUuid,
): Promise<DiskSource> => {
  const connection = getConnection();
  await using domain = await findDomain(connection, instance);
  const path = diskPath(pool, instance);
  const disk = domain && parseDomain(await domain.getXMLDesc()).disks.find((one) => one.path === path);
  if (!domain || !disk)
    throw new EcomputeError('ECOMPUTE_SNAPSHOT_FAILED', `instance ${instance} has no disk ${path} any more`, {
      hint: `look at it with: virsh dumpxml ${instance}`,
    });
  const target = disk.targetDev;
  // libvirt's test driver has disks without files, and no backups: on each is what is on its image.
  if (virtType === 'test') return { ...(await findBacking(connection, { pool, instance })), target, isActive: false };
  return { path, format: disk.format, target, isActive: await domain.isActive() };
};

const findBacking = async (
  connection: Connection,
  { pool, instance }: Pick<SnapshotDeps, 'pool'> & { readonly instance: InstanceUuid },
): Promise<Pick<DiskSource, 'path' | 'format'>> => {
  await using disks = await connection.storagePoolLookupByName(pool.name);
  await using volume = await disks.lookupVolume(`${instance}.img`);
  const { backing } = parseStorageVolume(await volume.getXMLDesc());
  if (!backing) throw new Error(`the disk of ${instance} has no image`);
  return backing;
};
