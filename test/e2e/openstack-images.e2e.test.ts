import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOpenstackCloud, type OpenstackCloud } from './openstack-cloud.js';

/** Images, by OpenStack's own command line. */
let cloud: OpenstackCloud;
let dir: TempDir;
beforeAll(async () => {
  dir = await makeTempDir('openstack-images');
  // More than the disks of these tests, and less than a server's.
  cloud = await startOpenstackCloud({ images: { folder: join(dir.path, 'images'), max_size: 0.0002 } });
  const disk = Buffer.alloc(100_000, 7);
  disk.set([0x55, 0xaa], 510);
  await writeFile(join(cloud.eapi.dir, 'disk.raw'), disk);
  await writeFile(join(cloud.eapi.dir, 'page.raw'), '<!doctype html><p>please log in</p>\n');
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

test('an image is uploaded, found, changed, and saved as it was', async () => {
  await cloud.sh(
    'openstack image create --disk-format raw --file disk.raw --property os_distro=debian --tag a --min-disk 1 one',
  );
  expect(await cloud.ask('image list --property os_distro=debian')).toMatchObject([{ Name: 'one', Status: 'active' }]);
  expect(await cloud.ask('image list --long --tag a')).toMatchObject([
    { Size: 100_000, 'Disk Format': 'raw', Visibility: 'shared', Tags: ['a'] },
  ]);
  await cloud.sh('openstack image set --name uno --property x=y --tag b --hidden one');
  expect(await cloud.ask('image list')).toEqual([]);
  expect(await cloud.ask('image list --hidden')).toMatchObject([{ Name: 'uno' }]);
  await cloud.sh('openstack image unset --tag a --property x uno');
  expect(await cloud.ask('image show uno')).toMatchObject({ tags: ['b'], min_disk: 1, virtual_size: 100_352 });
  await cloud.sh('openstack image save --file saved.raw uno && cmp disk.raw saved.raw');
});

test('an image is deactivated, shared, protected, and deleted at last', async () => {
  await cloud.sh('openstack image set --deactivate uno');
  expect(await cloud.ask('image show uno')).toMatchObject({ status: 'deactivated' });
  await cloud.sh('openstack image set --activate uno && openstack project create other');
  expect(await cloud.ask('image add project uno other')).toMatchObject({ status: 'pending' });
  await cloud.sh('openstack image set --accept --project other uno');
  expect(await cloud.ask('image member list uno')).toMatchObject([{ Status: 'accepted' }]);
  await cloud.sh('openstack image remove project uno other && openstack image set --protected uno');
  await expect(cloud.sh('openstack image delete uno')).rejects.toThrow('is protected and cannot be deleted');
  await cloud.sh('openstack image set --unprotected uno && openstack image delete uno');
  expect(await cloud.ask('image list --hidden')).toEqual([]);
});

test('what no server could boot from is refused, with the reason', async () => {
  await expect(cloud.sh('openstack image create --disk-format raw --file page.raw page')).rejects.toThrow(
    'neither qcow2 nor a raw disk with a boot sector',
  );
  await expect(cloud.sh('openstack image create --disk-format qcow2 --file disk.raw disk')).rejects.toThrow(
    'The file is a raw image',
  );
});

test('a server whose disk is too large for an image goes on without one', async () => {
  const { type, ask, agent, eapi } = cloud;
  await type('image create --disk-format raw --container-format bare --file disk.raw one');
  await type('flavor create --vcpus 1 --ram 64 --disk 1 small');
  await type('server create --image one --flavor small --network ecompute --wait web');
  await type('server image create --name saved web');
  await agent.waitForLog('snapshot kept');
  await waitFor(async () => (await readFile(eapi.logPath, 'utf8')).includes('which is what one may have here'), {
    what: 'eapi to say why there is no image',
  });
  await waitFor(async () => (await ask('image list --name saved')).length === 0, { what: 'the image to go' });
  expect(await ask('server show web')).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null });
});
