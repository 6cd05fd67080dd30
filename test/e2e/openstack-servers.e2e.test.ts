import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOpenstackCloud, type OpenstackCloud } from './openstack-cloud.js';

/** Servers by OpenStack's own tools: what `openstack-commands.ts` leaves out, and openstacksdk. libvirt's test driver has no guest in it. */
let cloud: OpenstackCloud;
beforeAll(async () => {
  cloud = await startOpenstackCloud();
  await cloud.type('image create --disk-format raw --container-format bare --file disk.raw tiny');
  await cloud.type('flavor create --vcpus 1 --ram 64 --disk 1 small');
  await cloud.type('keypair create laptop');
});
afterAll(async () => cloud[Symbol.asyncDispose]());

test('a server is created, found, and has a port', async () => {
  const { ask } = cloud;
  const created = await ask(
    'server create --image tiny --flavor small --key-name laptop --network ecompute --security-group default --property role=web --wait web',
  );
  expect(created).toMatchObject({ name: 'web', status: 'ACTIVE', key_name: 'laptop' });
  expect(await ask('server list')).toMatchObject([{ Name: 'web', Status: 'ACTIVE', Image: 'tiny', Flavor: 'small' }]);
  expect(await ask('server list --name nobody')).toEqual([]);
  expect(await ask(`server show ${created.id}`)).toMatchObject({ properties: { role: 'web' } });
  const ports = await ask('port list --server web');
  expect(ports).toMatchObject([{ Status: 'ACTIVE' }]);
  expect(await ask(`port show ${ports[0].ID}`)).toMatchObject({
    device_id: created.id,
    mac_address: ports[0]['MAC Address'],
  });
  expect(await ask('limits show --absolute')).toContainEqual({ Name: 'totalInstancesUsed', Value: 1 });
});

test.each([
  ['server migrate web', 'A server is moved by `eschedule host drain --wait` of its host'],
  ['server backup create web', 'There are no backups here: create an image.'],
  ['server rescue web', 'There is no rescue mode here.'],
  ['server add volume web none', 'endpoint for block-storage service in RegionOne region not found'],
])('openstack %s: refused with a sentence', async (line, sentence) => {
  expect(await cloud.type(line)).toContain(sentence);
});

test('a server is deleted', async () => {
  await cloud.type('server delete --wait web');
  expect(await cloud.ask('server list')).toEqual([]);
  expect(await cloud.ask('port list')).toEqual([]);
});

const SCRIPT = `
import openstack
cloud = openstack.connect()
cloud.create_keypair('sdk')
image = cloud.create_image('from-sdk', filename='disk.raw', disk_format='raw', container_format='bare', wait=True)
server = cloud.create_server('by-sdk', image=image, flavor='small', key_name='sdk', userdata='#cloud-config\\n{}\\n', wait=True, timeout=120)
assert server.status == 'ACTIVE', server.status
assert [one.name for one in cloud.list_servers()] == ['by-sdk']
assert cloud.get_server('by-sdk').key_name == 'sdk'
assert len(list(cloud.network.ports(device_id=server.id))) == 1
assert cloud.delete_server('by-sdk', wait=True)
assert cloud.get_server('by-sdk') is None
print('done')
`;

test('openstacksdk uploads an image, and creates a server with a key and user data', async () => {
  await writeFile(join(cloud.eapi.dir, 'sdk.py'), SCRIPT);
  // Debian's Python has it, which need not be the first one.
  expect(await cloud.sh('/usr/bin/python3 sdk.py')).toBe('done\n');
});
