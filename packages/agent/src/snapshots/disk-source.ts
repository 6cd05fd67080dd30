import { join } from 'node:path';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { DiskUuid, InstanceUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { parseStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';
import { diskFile, type DiskPool } from '../disks/disk-pool.js';
import { rootDiskOf } from '../disks/disks.js';
import { furtherDiskFile } from '../disks/further-disks.js';
import { findDomain } from '../domains/domain.js';
import type { SnapshotDeps } from './snapshot-deps.js';

/** A disk of an instance. */
export interface DiskSource {
  readonly path: string;
  /** As its domain says: a guest can write any header into a raw disk. */
  readonly format: 'raw' | 'qcow2';
  /** Its name in the domain, such as `vda`. */
  readonly target: string;
  readonly isActive: boolean;
  /** Its size, when it is libvirt's test driver's, and on no image: then there is no file, and nothing on it. */
  readonly emptyBytes?: number;
}

export interface WantedDisk {
  readonly instance: InstanceUuid;
  readonly disk: DiskUuid;
}

/** @throws ECOMPUTE_SNAPSHOT_FAILED when the domain or its disk is gone. */
export const findDiskSource = async (
  { getConnection, pool, virtType }: Pick<SnapshotDeps, 'getConnection' | 'pool' | 'virtType'>,
  { instance, disk: uuid }: WantedDisk,
): Promise<DiskSource> => {
  const connection = getConnection();
  await using domain = await findDomain(connection, instance);
  const file = uuid === rootDiskOf(instance) ? diskFile(instance) : furtherDiskFile({ instance, disk: uuid });
  const path = join(pool.folder, file);
  const disk = domain && parseDomain(await domain.getXMLDesc()).disks.find((one) => one.path === path);
  if (!domain || !disk)
    throw new EcomputeError('ECOMPUTE_SNAPSHOT_FAILED', `instance ${instance} has no disk ${path} any more`, {
      hint: `look at it with: virsh dumpxml ${instance}`,
    });
  const target = disk.targetDev;
  // libvirt's test driver has disks without files, and no backups: on each is what is on its image.
  if (virtType === 'test') return { ...(await findBacking(connection, pool, file)), target, isActive: false };
  return { path, format: disk.format, target, isActive: await domain.isActive() };
};

const findBacking = async (
  connection: Connection,
  pool: DiskPool,
  file: string,
): Promise<Pick<DiskSource, 'path' | 'format' | 'emptyBytes'>> => {
  await using disks = await connection.storagePoolLookupByName(pool.name);
  await using volume = await disks.lookupVolume(file);
  const { backing, format, capacityBytes } = parseStorageVolume(await volume.getXMLDesc());
  return backing ?? { path: volume.path, format, emptyBytes: Number(capacityBytes) };
};
