import { copyFile, mkdir, open, rename, rm, stat, truncate } from 'node:fs/promises';
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

/** The libvirt storage pool of the instances' disks: a folder, with one file `<instance>.img` for each root disk, as in the original. */
export interface DiskPool {
  readonly name: string;
  readonly folder: string;
}

export interface Disk {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

type Which = Pick<DiskOptions, 'instance' | 'isNext'>;

const volumeName = ({ instance, isNext = false }: Which): string => `${instance}.img${isNext ? '.next' : ''}`;

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
    throw new EcomputeError(
      'ECOMPUTE_DISK_FAILED',
      `could not create the libvirt storage pool '${name}' of ${folder}`,
      {
        cause,
        hint: 'if the folder is already a pool, set disks.pool to the name of that pool',
      },
    );
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

/** @returns undefined when libvirt knows none of this name. */
const findVolume = async (pool: StoragePool, name: string, wait: CallWait = {}): Promise<StorageVolume | undefined> => {
  try {
    return await pool.lookupVolume(name, wait);
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_STORAGE_VOL')) return undefined;
    throw err;
  }
};

/** Repeatable. */
export const deleteVolume = async (
  connection: Connection,
  { name: poolName, folder }: DiskPool,
  { name, wait = {} }: { readonly name: string; readonly wait?: CallWait | undefined },
): Promise<void> => {
  await using pool = await connection.storagePoolLookupByName(poolName, wait);
  await using volume = await findVolume(pool, name, wait);
  if (volume) await volume.delete(0, wait);
  // A file that libvirt does not know, from an interrupted copy.
  await rm(join(folder, name), { force: true });
};

export interface DiskOptions {
  readonly instance: InstanceUuid;
  /** Not the root disk, but the one that is to take its place. */
  readonly isNext?: boolean | undefined;
  /** For each call; a busy disk store is slow. */
  readonly wait?: CallWait;
}

export interface ImageDisk {
  readonly image: CachedImage;
  readonly mode: 'overlay' | 'copy';
  /** What the guest sees, at least the image's own size. */
  readonly sizeBytes: number;
  readonly wait?: CallWait | undefined;
}

type NamedImageDisk = ImageDisk & { readonly name: string };

/**
 * Makes the root disk from the image, anew when there is one: what a crash left half-made cannot be told from a good one, and no
 * guest has run on it, or its instance would not be building.
 */
export const createDisk = async (
  connection: Connection,
  pool: DiskPool,
  { instance, isNext, ...options }: DiskOptions & ImageDisk,
): Promise<Disk> => createFromImage(connection, pool, { ...options, name: volumeName({ instance, isNext }) });

/** A disk of any name; the same. */
export const createFromImage = async (
  connection: Connection,
  { name: poolName, folder }: DiskPool,
  options: NamedImageDisk,
): Promise<Disk> => {
  const { name, image, mode, sizeBytes, wait } = options;
  await deleteVolume(connection, { name: poolName, folder }, { name, wait });
  await using pool = await connection.storagePoolLookupByName(poolName, wait);
  // Awaited here: the pool is released when this function is left.
  if (mode === 'copy') return await copyDisk(pool, join(folder, name), options);
  await using volume = await pool.createVolume(
    renderStorageVolume({
      name,
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
  { name, image, sizeBytes, wait }: NamedImageDisk,
): Promise<Disk> => {
  await copyFile(image.path, path);
  await pool.refresh(wait);
  await using volume = await pool.lookupVolume(name, wait);
  if (sizeBytes > image.virtualSizeBytes) await volume.resize(BigInt(sizeBytes), 0, wait);
  return { path, format: image.format };
};

/**
 * Puts the next disk in the place of the disk, at once; repeatable.
 *
 * @param hasFiles false for libvirt's test driver, whose volumes are only names.
 */
export const replaceDisk = async (
  connection: Connection,
  { name, folder }: DiskPool,
  { hasFiles, ...options }: DiskOptions & { readonly hasFiles: boolean },
): Promise<void> => {
  const { instance, wait } = options;
  await using pool = await connection.storagePoolLookupByName(name, wait);
  if (!hasFiles) {
    await renameVolume(pool, options);
    return;
  }
  const next = pathOf({ folder }, { instance, isNext: true });
  if (await isFile(next)) await rename(next, diskPath({ folder }, instance));
  await using handle = await open(folder, 'r');
  await handle.sync();
  await pool.refresh(wait);
};

export interface SizedDisk extends DiskOptions {
  readonly disk: Disk;
  /** False for libvirt's test driver, whose volumes are only names. */
  readonly hasFiles: boolean;
}

/** In bytes, as the guest sees it. */
export const diskCapacity = async (
  connection: Connection,
  { name }: DiskPool,
  { disk, hasFiles, ...options }: SizedDisk,
): Promise<bigint> => {
  if (hasFiles && disk.format === 'raw') return BigInt((await stat(disk.path)).size);
  await using pool = await connection.storagePoolLookupByName(name, options.wait);
  await using volume = await pool.lookupVolume(volumeName(options), options.wait);
  return (await volume.getInfo(options.wait)).capacityBytes;
};

/** Makes the disk of a guest that is off larger; its content stays, and what is new reads as zeros. */
export const growDisk = async (
  connection: Connection,
  { name }: DiskPool,
  { disk, hasFiles, sizeBytes, ...options }: SizedDisk & { readonly sizeBytes: number },
): Promise<void> => {
  const { wait } = options;
  if (hasFiles && disk.format === 'raw') {
    await truncate(disk.path, sizeBytes);
    return;
  }
  await using pool = await connection.storagePoolLookupByName(name, wait);
  await using volume = await pool.lookupVolume(volumeName(options), wait);
  if (hasFiles) {
    await volume.resize(BigInt(sizeBytes), 0, wait);
    return;
  }
  const spec = parseStorageVolume(await volume.getXMLDesc(wait));
  await volume.delete(0, wait);
  await using _made = await pool.createVolume(
    renderStorageVolume({ ...spec, capacityBytes: BigInt(sizeBytes) }),
    0,
    wait,
  );
};

const renameVolume = async (pool: StoragePool, options: DiskOptions): Promise<void> => {
  const { wait } = options;
  await using next = await findVolume(pool, volumeName({ ...options, isNext: true }), wait);
  if (!next) return;
  await using volume = await findVolume(pool, volumeName(options), wait);
  await volume?.delete(0, wait);
  const spec = parseStorageVolume(await next.getXMLDesc(wait));
  await using _made = await pool.createVolume(renderStorageVolume({ ...spec, name: volumeName(options) }), 0, wait);
  await next.delete(0, wait);
};

/** Removes the disk; repeatable. */
export const deleteDisk = async (
  connection: Connection,
  pool: DiskPool,
  { wait, ...which }: DiskOptions,
): Promise<void> => deleteVolume(connection, pool, { name: volumeName(which), wait });

/** Whether the disk exists, known to libvirt or not. */
export const hasDisk = async (connection: Connection, disks: DiskPool, options: DiskOptions): Promise<boolean> => {
  await using pool = await connection.storagePoolLookupByName(disks.name, options.wait);
  await using volume = await findVolume(pool, volumeName(options), options.wait);
  return volume !== undefined || isFile(pathOf(disks, options));
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

/** The name of the file of an instance's root disk. */
export const diskFile = (instance: InstanceUuid): string => volumeName({ instance });

/** The path of an instance's disk, existing or not. */
export const diskPath = (disks: Pick<DiskPool, 'folder'>, instance: InstanceUuid): string =>
  pathOf(disks, { instance });

const pathOf = ({ folder }: Pick<DiskPool, 'folder'>, which: Which): string => join(folder, volumeName(which));

/** Instances that have a root disk in the folder, whatever libvirt knows of it. */
export const listDiskFiles = async (folder: string): Promise<InstanceUuid[]> =>
  (await listFolder(folder)).flatMap((name) => instanceOfFile(name, /^(.{36})\.img$/) ?? []);

/** Instances that have a root disk. Other files of the folder are not ours, such as one named by a uuid in another spelling. */
export const listDisks = async (connection: Connection, { name }: DiskPool): Promise<InstanceUuid[]> => {
  await using pool = await connection.storagePoolLookupByName(name);
  await pool.refresh();
  const volumes = await pool.listAllVolumes();
  const instances = volumes.flatMap((volume) => {
    const instance = instanceUuidSchema.safeParse(volume.name.replace(/\.img$/, '')).data;
    return instance !== undefined && volumeName({ instance }) === volume.name ? instance : [];
  });
  for (const volume of volumes) await volume[Symbol.asyncDispose]();
  return instances;
};
