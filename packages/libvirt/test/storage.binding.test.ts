import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '@etcd-compute/libvirt/connection';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { parseDirectoryPool, renderDirectoryPool } from '@etcd-compute/libvirt/xml/storage-pool';
import type { DirectoryPoolSpec } from '@etcd-compute/libvirt/xml/storage-pool';
import { parseStorageVolume, renderStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';

const GIB = 1024n ** 3n;

let connection: Connection;

/** The test driver keeps pools in memory: nothing is made at the path. */
function aPool(): DirectoryPoolSpec {
  const uuid = randomUUID();
  return { name: uuid, uuid, path: `/nowhere/${uuid}` };
}

beforeAll(async () => {
  connection = await connect('test:///default');
});

afterAll(() => connection.close());

describe('storage pool', () => {
  it('lives from define to undefine', async () => {
    const spec = aPool();
    await using pool = await connection.storagePoolDefineXML(renderDirectoryPool(spec));
    expect(pool).toMatchObject({ uuid: spec.uuid, name: spec.name });
    await pool.build();
    expect(await pool.isActive()).toBe(false);
    await pool.create();
    expect(await pool.isActive()).toBe(true);
    expect(await pool.isPersistent()).toBe(true);
    await pool.refresh();
    expect(await pool.getInfo()).toMatchObject({ state: 'running', capacityBytes: 100n * GIB });
    expect(parseDirectoryPool(await pool.getXMLDesc())).toEqual(spec);
    await pool.setAutostart(true);
    expect(await pool.getAutostart()).toBe(true);
    await using byName = await connection.storagePoolLookupByName(spec.name);
    await using byUuid = await connection.storagePoolLookupByUUID(pool.uuid);
    expect([byName.uuid, byUuid.name]).toEqual([pool.uuid, spec.name]);
    const pools = await connection.listAllStoragePools();
    expect(pools.map(({ name }) => name)).toContain(spec.name);
    await pool.destroy();
    await pool.delete();
    await pool.undefine();
    await expect(connection.storagePoolLookupByName(spec.name)).rejects.toMatchObject({
      code: 'VIR_ERR_NO_STORAGE_POOL',
    });
  });
});

describe('storage volume', () => {
  it('lives from create to delete', async () => {
    const spec = aPool();
    await using pool = await connection.storagePoolCreateXML(renderDirectoryPool(spec));
    await using volume = await pool.createVolume(
      renderStorageVolume({ name: 'disk.img', capacityBytes: 2n * GIB, allocationBytes: 0n, format: 'raw' }),
    );
    expect(volume).toMatchObject({ name: 'disk.img', path: `${spec.path}/disk.img` });
    expect(volume.key).not.toBe('');
    expect(await volume.getInfo()).toEqual({ type: 'file', capacityBytes: 2n * GIB, allocationBytes: 0n });
    expect(parseStorageVolume(await volume.getXMLDesc())).toMatchObject({ name: 'disk.img', capacityBytes: 2n * GIB });
    await using byName = await pool.lookupVolume('disk.img');
    await using byPath = await connection.storageVolLookupByPath(volume.path);
    expect([byName.path, byPath.name]).toEqual([volume.path, 'disk.img']);
    const volumes = await pool.listAllVolumes();
    expect(volumes.map(({ name }) => name)).toEqual(['disk.img']);
    await volume.delete();
    await expect(pool.lookupVolume('disk.img')).rejects.toMatchObject({ code: 'VIR_ERR_NO_STORAGE_VOL' });
    await expect(volume.resize(3n * GIB)).rejects.toMatchObject({ functionName: 'virStorageVolResize' });
    await pool.destroy();
  });
});
