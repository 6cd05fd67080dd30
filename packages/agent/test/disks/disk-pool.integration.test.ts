import { join } from 'node:path';
import { checkDisksAreThere } from '@etcd-compute/agent/disks/check-disks';
import { ensureDiskPool } from '@etcd-compute/agent/disks/disk-pool';
import { renderMark } from '@etcd-compute/agent/domains/domain';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import { connect } from '@etcd-compute/libvirt/connection';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { renderStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { expect, test } from 'vitest';

test('a pool is found again; a folder that is another pool, and a pool that is another folder, are refused by name', async () => {
  await using dir = await makeTempDir('disk-pool');
  await using connection = await connect('test:///default');
  const pool = { name: 'one', folder: join(dir.path, 'disks') };
  await ensureDiskPool(connection, pool);
  await ensureDiskPool(connection, pool);
  await expect(ensureDiskPool(connection, { ...pool, name: 'renamed' })).rejects.toMatchObject({
    code: 'ECOMPUTE_DISK_FAILED',
    message: `could not create the libvirt storage pool 'renamed' of ${pool.folder}`,
    hint: 'if the folder is already a pool, set disks.pool to the name of that pool',
    cause: { message: expect.stringContaining("conflict with pool: 'one'") },
  });
  await expect(ensureDiskPool(connection, { ...pool, folder: join(dir.path, 'elsewhere') })).rejects.toMatchObject({
    code: 'ECOMPUTE_DISK_FAILED',
    message: `the libvirt storage pool 'one' is ${pool.folder}, not ${join(dir.path, 'elsewhere')}`,
  });
});

test('a disk that is out of sight is named, as all are when their file system is not mounted', async () => {
  await using dir = await makeTempDir('disk-pool');
  await using connection = await connect('test:///default');
  const pool = { name: 'sight', folder: join(dir.path, 'disks') };
  await ensureDiskPool(connection, pool);
  await using storage = await connection.storagePoolLookupByName(pool.name);
  const [ours, theirs] = [newProviderUuid(), newProviderUuid()];
  const [instance, other] = [newInstanceUuid(), newInstanceUuid()];
  for (const [uuid, host] of [
    [instance, ours],
    [other, theirs],
  ] as const) {
    const devices = { vcpus: 1, memoryMiB: 64, disks: [], interfaces: [] };
    const metadata = [renderMark({ host, stateDir: dir.path })];
    await using _domain = await connection.domainDefineXML(
      renderDomain({ type: 'test', uuid, name: uuid, ...devices, metadata }),
    );
  }
  await expect(checkDisksAreThere(connection, pool, ours)).rejects.toMatchObject({
    code: 'ECOMPUTE_DISK_FAILED',
    message: expect.stringContaining(`the disk of domain ${instance} is not in ${pool.folder}`),
  });
  const name = `${instance}.img`;
  await using _volume = await storage.createVolume(renderStorageVolume({ name, capacityBytes: 1024n, format: 'raw' }));
  await checkDisksAreThere(connection, pool, ours);
});
