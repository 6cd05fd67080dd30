import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { bytesToGiB, GIB, kibToMiB } from '@etcd-compute/common/units';
import type { ImageCache } from '../images/cache/cache.js';

/** What this host has, in Placement's units. */
export interface HostResources {
  readonly VCPU: number;
  readonly MEMORY_MB: number;
  readonly DISK_GB: number;
}

/**
 * libvirt's node info counts only memory that was there at boot; where memory was plugged in later, the kernel knows more.
 */
const probeMemoryKiB = async (nodeMemoryKiB: number): Promise<number> => {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const total = /^MemTotal:\s+(\d+) kB$/m.exec(text)?.[1];
  return total === undefined ? nodeMemoryKiB : Math.max(Number(total), nodeMemoryKiB);
};

/** The total size of the file system that holds the disks. */
const probeDiskGiB = async (folder: string): Promise<number> => {
  const { blocks, bsize } = await statfs(folder);
  return bytesToGiB(blocks * bsize);
};

/** To the nearest GiB, as Placement counts whole ones and small images should not cost one each. */
export const probeImagesGiB = async (images: ImageCache): Promise<number> => {
  const bytes = (await images.list()).reduce((sum, image) => sum + image.bytes, 0);
  return Math.round(bytes / GIB);
};

/** The hypervisor knows its processors; the fake one (`test:`) stands for a host of its own, so nothing else is asked. */
export const probeResources = async (connection: Connection, disksDir: string): Promise<HostResources> => {
  const node = await connection.getNodeInfo();
  const isFake = (await connection.getType()) === 'TEST';
  return {
    VCPU: isFake ? node.cpus : Math.max(node.cpus, availableParallelism()),
    MEMORY_MB: kibToMiB(isFake ? node.memoryKiB : await probeMemoryKiB(node.memoryKiB)),
    DISK_GB: await probeDiskGiB(disksDir),
  };
};
