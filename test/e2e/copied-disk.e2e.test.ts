import { stat, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { createDisk, deleteDisk, ensureDiskPool, listDisks } from '@etcd-compute/agent/disks/disk-pool';
import { newInstanceUuid } from '@etcd-compute/common/ids';
import { MIB } from '@etcd-compute/common/units';
import { connect } from '@etcd-compute/libvirt/connection';
import { startLibvirtd } from '@etcd-compute/testing/libvirt-daemon';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { expect, test } from 'vitest';

/** libvirt's test driver has no files: a disk that is copied needs a real storage pool. */
test('disks.mode copy: the disk is a copy of the image, grown; made again over a rest, and deleted', async () => {
  await using dir = await makeTempDir('cpd');
  await using libvirtd = await startLibvirtd({ dir: `${dir.path}/l` });
  await using connection = await connect(libvirtd.uri);
  const pool = { name: 'copied', folder: `${dir.path}/disks` };
  await ensureDiskPool(connection, pool);
  const path = `${dir.path}/image`;
  await writeFile(path, Buffer.alloc(MIB, 7));
  const image = { path, format: 'raw', virtualSizeBytes: MIB, sha256: randomUUID() } as const;
  const instance = newInstanceUuid();
  for (const _ of ['first', 'again']) {
    const disk = await createDisk(connection, pool, { instance, image, mode: 'copy', sizeBytes: 3 * MIB });
    expect(disk).toEqual({ path: `${pool.folder}/${instance}.img`, format: 'raw' });
    expect((await stat(disk.path)).size).toBe(3 * MIB);
  }
  expect(await listDisks(connection, pool)).toEqual([instance]);
  await deleteDisk(connection, pool, { instance });
  expect(await listDisks(connection, pool)).toEqual([]);
});
