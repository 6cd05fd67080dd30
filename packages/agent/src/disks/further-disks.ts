import { join } from 'node:path';
import { diskUuidSchema, instanceUuidSchema, type DiskUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import type { CallWait, Connection } from '@etcd-compute/libvirt/connection';
import { renderStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';
import { listFolder } from '../state-folder/instance-files.js';
import { createFromImage, deleteVolume, type Disk, type DiskPool, type ImageDisk } from './disk-pool.js';

/** Disks beside the root disk: files `<instance>.<disk>.img` in the pool's folder. */

interface FurtherDiskName {
  readonly instance: InstanceUuid;
  readonly disk: DiskUuid;
}

export const furtherDiskFile = ({ instance, disk }: FurtherDiskName): string => `${instance}.${disk}.img`;

const parseName = (name: string): FurtherDiskName | undefined => {
  const [, ...uuids] = /^(.{36})\.(.{36})\.img$/.exec(name) ?? [];
  const instance = instanceUuidSchema.safeParse(uuids[0]).data;
  const disk = diskUuidSchema.safeParse(uuids[1]).data;
  if (instance === undefined || disk === undefined) return undefined;
  return furtherDiskFile({ instance, disk }) === name ? { instance, disk } : undefined;
};

export interface NewFurtherDisk extends FurtherDiskName, Pick<ImageDisk, 'sizeBytes' | 'wait'> {
  /** What it is made from. Undefined: it is empty. */
  readonly from?: Pick<ImageDisk, 'image' | 'mode'> | undefined;
}

/** Makes it anew when there is one: to be called only when no guest has it. */
export const createFurtherDisk = async (
  connection: Connection,
  pool: DiskPool,
  { sizeBytes, from, wait, ...disk }: NewFurtherDisk,
): Promise<Disk> => {
  const name = furtherDiskFile(disk);
  if (from) return createFromImage(connection, pool, { ...from, name, sizeBytes, wait });
  await deleteVolume(connection, pool, { name, wait });
  await using storage = await connection.storagePoolLookupByName(pool.name, wait);
  const xml = renderStorageVolume({ name, capacityBytes: BigInt(sizeBytes), format: 'qcow2' });
  await using volume = await storage.createVolume(xml, 0, wait);
  return { path: volume.path, format: 'qcow2' };
};

export const furtherDiskPath = ({ folder }: Pick<DiskPool, 'folder'>, disk: FurtherDiskName): string =>
  join(folder, furtherDiskFile(disk));

/** Repeatable. */
export const deleteFurtherDisk = async (
  connection: Connection,
  pool: DiskPool,
  { wait, ...disk }: FurtherDiskName & { readonly wait?: CallWait },
): Promise<void> => deleteVolume(connection, pool, { name: furtherDiskFile(disk), wait });

/** Those in the pool, known to libvirt or not. */
export const listFurtherDisks = async (
  connection: Connection,
  { name, folder }: DiskPool,
  wait: CallWait = {},
): Promise<FurtherDiskName[]> => {
  await using pool = await connection.storagePoolLookupByName(name, wait);
  const names = new Set(await listFolder(folder));
  for (const volume of await pool.listAllVolumes(wait)) {
    await using handle = volume;
    names.add(handle.name);
  }
  return [...names].flatMap((file) => parseName(file) ?? []);
};
