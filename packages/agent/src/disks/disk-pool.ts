import { copyFile, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EcomputeError } from '@etcd-compute/common/errors';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { CallWait, Connection } from '@etcd-compute/libvirt/connection';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import type { StoragePool } from '@etcd-compute/libvirt/storage-pool';
import type { StorageVolume } from '@etcd-compute/libvirt/storage-volume';
import { parseDirectoryPool, renderDirectoryPool } from '@etcd-compute/libvirt/xml/storage-pool';
import { parseStorageVolume, renderStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';
import type { CachedImage } from '../images/format/cached-image.js';
import { instanceOfFile, isFile, listFolder } from '../state-folder/instance-files.js';

/** The libvirt storage pool of the instances' disks: a folder, one file `<instance>.img` each, as in the original. */
export interface DiskPool {
  readonly name: string;
  readonly folder: string;
}

export interface Disk {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

const volumeName = (instance: InstanceUuid): string => `${instance}.img`;

/** Finds the pool, or makes and starts it. @throws ECOMPUTE_DISK_FAILED when a pool of that name is another folder. */
export const ensureDiskPool = async (connection: Connection, { name, folder }: DiskPool): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o711 });
  await using pool = (await findPool(connection, name)) ?? (await definePool(connection, { name, folder }));
  const { path } = parseDirectoryPool(await pool.getXMLDesc());
  if (path !== folder)
    throw new EcomputeError('ECOMPUTE_DISK_FAILED', `the libvirt storage pool '${name}' is ${path}, not ${folder}`, {
      hint: `set disks.pool to another name, or remove that pool with: virsh pool-destroy ${name} && virsh pool-undefine ${name}`,
    });
  if (!(await pool.isActive())) await pool.create();
  await pool.setAutostart(true);
};

const definePool = async (connection: Connection, { name, folder }: DiskPool): Promise<StoragePool> => {
  try {
    return await connection.storagePoolDefineXML(renderDirectoryPool({ name, path: folder }));
  } catch (cause) {
    if (!isLibvirtError(cause, 'VIR_ERR_OPERATION_FAILED')) throw cause;
    // libvirt lets a folder be one pool, and names that one.
    throw new EcomputeError('ECOMPUTE_DISK_FAILED', `could not make the libvirt storage pool '${name}' of ${folder}`, {
      cause,
      hint: 'when the folder is a pool already, set disks.pool to the name of that one',
    });
  }
};

const findPool = async (connection: Connection, name: string): Promise<StoragePool | undefined> => {
  try {
    return await connection.storagePoolLookupByName(name);
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_STORAGE_POOL')) return undefined;
    throw err;
  }
};

const findVolume = async (pool: StoragePool, { instance, wait }: DiskOptions): Promise<StorageVolume | undefined> => {
  try {
    return await pool.lookupVolume(volumeName(instance), wait);
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_STORAGE_VOL')) return undefined;
    throw err;
  }
};

export interface DiskOptions {
  readonly instance: InstanceUuid;
  /** For each call; a disk on a busy store takes its time. */
  readonly wait?: CallWait;
}

export interface EnsureDiskOptions extends DiskOptions {
  readonly image: CachedImage;
  readonly mode: 'overlay' | 'copy';
  /** What the guest sees, at least the image's own size. */
  readonly sizeBytes: number;
}

/**
 * Makes the disk from the image, anew when there is one: what a crash left half-made cannot be told from a good one, and no
 * guest has run on it, or its instance would not be building.
 */
export const createDisk = async (
  connection: Connection,
  { name, folder }: DiskPool,
  options: EnsureDiskOptions,
): Promise<Disk> => {
  const { instance, image, mode, sizeBytes, wait } = options;
  await deleteDisk(connection, { name, folder }, options);
  await using pool = await connection.storagePoolLookupByName(name, wait);
  // Awaited here: the pool is released when this function is left.
  if (mode === 'copy') return await copyDisk(pool, diskPath({ folder }, instance), options);
  await using volume = await pool.createVolume(
    renderStorageVolume({
      name: volumeName(instance),
      capacityBytes: BigInt(sizeBytes),
      format: 'qcow2',
      backing: { path: image.path, format: image.format },
    }),
    0,
    wait,
  );
  return { path: volume.path, format: 'qcow2' };
};

const copyDisk = async (
  pool: StoragePool,
  path: string,
  { instance, image, sizeBytes, wait }: EnsureDiskOptions,
): Promise<Disk> => {
  await copyFile(image.path, path);
  await pool.refresh(wait);
  await using volume = await pool.lookupVolume(volumeName(instance), wait);
  if (sizeBytes > image.virtualSizeBytes) await volume.resize(BigInt(sizeBytes), 0, wait);
  return { path, format: image.format };
};

/** Removes the disk; repeatable. */
export const deleteDisk = async (
  connection: Connection,
  { name, folder }: DiskPool,
  options: DiskOptions,
): Promise<void> => {
  const { instance, wait } = options;
  await using pool = await connection.storagePoolLookupByName(name, wait);
  await using volume = await findVolume(pool, options);
  if (volume) await volume.delete(0, wait);
  // A file that came in behind the pool's back, by a copy that was cut off.
  await rm(diskPath({ folder }, instance), { force: true });
};

/** Whether the instance has a disk, known to libvirt or not. */
export const hasDisk = async (connection: Connection, disks: DiskPool, instance: InstanceUuid): Promise<boolean> => {
  await using pool = await connection.storagePoolLookupByName(disks.name);
  await using volume = await findVolume(pool, { instance });
  return volume !== undefined || isFile(diskPath(disks, instance));
};

/**
 * How many disks are on each cached image, by the image's SHA-256: the name of its file, whatever way leads to it.
 *
 * @throws when any of them cannot be read: an image that looks unused may not be.
 */
export const countDisksOnImages = async (
  connection: Connection,
  { name }: DiskPool,
): Promise<ReadonlyMap<string, number>> => {
  await using pool = await connection.storagePoolLookupByName(name);
  await pool.refresh();
  const counts = new Map<string, number>();
  for (const volume of await pool.listAllVolumes()) {
    await using handle = volume;
    const { backing } = parseStorageVolume(await handle.getXMLDesc());
    const sha256 = backing && basename(backing.path, '.img');
    if (sha256 !== undefined) counts.set(sha256, (counts.get(sha256) ?? 0) + 1);
  }
  return counts;
};

/** The file of an instance's disk, whether it is there or not. */
export const diskPath = ({ folder }: Pick<DiskPool, 'folder'>, instance: InstanceUuid): string =>
  join(folder, volumeName(instance));

/** Instances that have a disk in the folder, whatever libvirt knows of it. */
export const listDiskFiles = async (folder: string): Promise<InstanceUuid[]> =>
  (await listFolder(folder)).flatMap((name) => instanceOfFile(name, /^(.{36})\.img$/) ?? []);

/** Instances that have a disk. Other files of the folder are not ours, such as one named by a uuid in another spelling. */
export const listDisks = async (connection: Connection, { name }: DiskPool): Promise<InstanceUuid[]> => {
  await using pool = await connection.storagePoolLookupByName(name);
  await pool.refresh();
  const volumes = await pool.listAllVolumes();
  const instances = volumes.flatMap((volume) => {
    const instance = instanceUuidSchema.safeParse(volume.name.replace(/\.img$/, '')).data;
    return instance !== undefined && volumeName(instance) === volume.name ? instance : [];
  });
  for (const volume of volumes) await volume[Symbol.asyncDispose]();
  return instances;
};
