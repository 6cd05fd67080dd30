import { diskPath } from '../disks/disk-pool.js';
import { formatOfFile } from '@etcd-compute/common/images/inspect';
import { changeDomain } from '../domains/change-domain.js';
import type { Step } from './step.js';

/**
 * Tells libvirt the format of a disk that has taken the place of another one: a copy of an image has the image's. Only before a guest has
 * run on it: a guest could write a header of its choice.
 */
export const setDiskFormat: Step = {
  name: 'set-disk-format',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain + timeouts.libvirt,
  run: async ({ lend, pool, virtType }, { spec: { instance }, signal }) => {
    // libvirt's test driver has disks without files.
    if (virtType === 'test') return;
    const path = diskPath(pool, instance);
    const changes = { instance, disk: { path, format: await formatOfFile(path) } };
    await lend('work', async (connection) => changeDomain(connection, changes, { signal }), signal);
  },
};
