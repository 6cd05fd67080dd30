import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOpenstackCloud, type OpenstackCloud } from './openstack-cloud.js';

/** The life of a server by OpenStack's own tools: its command line, and openstacksdk. libvirt's test driver has no guest in it. */
let cloud: OpenstackCloud;
beforeAll(async () => {
  cloud = await startOpenstackCloud();
});
afterAll(async () => cloud[Symbol.asyncDispose]());

const statusOf = async (server: string): Promise<string> => (await cloud.ask(`server show ${server}`)).status;
const waitForStatus = async (server: string, status: string): Promise<void> => {
  await waitFor(async () => (await statusOf(server)) === status, { what: `${server} to be ${status}` });
};

test('what a server is made of', async () => {
  const { sh, ask } = cloud;
  expect(
    await ask('image create --disk-format raw --container-format bare --file disk.raw --min-disk 1 tiny'),
  ).toMatchObject({ name: 'tiny' });
  expect(await ask('image list')).toMatchObject([{ Name: 'tiny', Status: 'active' }]);
  await sh('openstack image set --property colour=red tiny');
  expect(await ask('image show tiny')).toMatchObject({ status: 'active', size: 512, properties: { colour: 'red' } });
  await sh('openstack image save --file saved.raw tiny && cmp disk.raw saved.raw');
  await sh(
    'openstack flavor create --vcpus 1 --ram 64 --disk 1 small && openstack flavor create --vcpus 1 --ram 128 --disk 1 large',
  );
  expect(await ask('flavor list')).toEqual(
    expect.arrayContaining([expect.objectContaining({ Name: 'small', RAM: 64 })]),
  );
  expect(await ask('flavor show small')).toMatchObject({ vcpus: 1, ram: 64, disk: 1 });
  expect(await sh('openstack keypair create laptop')).toContain('PRIVATE KEY');
  expect(await ask('keypair list')).toMatchObject([{ Name: 'laptop' }]);
  expect(await ask('availability zone list --compute')).toMatchObject([{ 'Zone Name': 'nova' }]);
  expect(await ask('hypervisor list')).toHaveLength(1);
  expect(await ask('limits show --absolute')).toContainEqual({ Name: 'totalInstancesUsed', Value: 0 });
});

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

test('what is asked of it becomes of it', async () => {
  const { sh, ask } = cloud;
  for (const [command, status] of [
    ['stop', 'SHUTOFF'],
    ['start', 'ACTIVE'],
    ['pause', 'PAUSED'],
    ['unpause', 'ACTIVE'],
    ['suspend', 'SUSPENDED'],
    ['resume', 'ACTIVE'],
  ] as const) {
    await sh(`openstack server ${command} web`);
    await waitForStatus('web', status);
  }
  await sh('openstack server reboot --hard --wait web');
  await sh('openstack server set --name shop --property role=shop web');
  expect(await ask('server show shop')).toMatchObject({ properties: { role: 'shop' } });
  await sh('openstack server unset --property role shop');
  await sh('openstack server lock shop && openstack server unlock shop');
  await sh('openstack server resize --flavor large --wait shop && openstack server resize confirm shop');
  expect(await ask('server list')).toMatchObject([{ Name: 'shop', Flavor: 'large' }]);
  expect(await ask('server event list shop')).toEqual(
    expect.arrayContaining(
      ['create', 'stop', 'start', 'reboot', 'resize'].map((Action) => expect.objectContaining({ Action })),
    ),
  );
});

test.each([
  ['server migrate shop', /./],
  ['server add volume shop none', /./],
])('openstack %s: refused with a sentence', async (line, sentence) => {
  expect(await cloud.sh(`openstack ${line} 2>&1 || true`)).toMatch(sentence);
});

test('a server is deleted', async () => {
  await cloud.sh('openstack server delete --wait shop');
  expect(await cloud.ask('server list')).toEqual([]);
  expect(await cloud.ask('port list')).toEqual([]);
  await cloud.sh('openstack keypair delete laptop && openstack flavor delete large');
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
