/** Servers with real guests, made by OpenStack's tools: what a guest is told is what its user has asked for, and stays so. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOpenstackGuestCloud, type OpenstackGuestCloud } from './openstack-guest-cloud.js';

let tools: OpenstackGuestCloud;
beforeAll(async () => {
  tools = await startOpenstackGuestCloud();
  const { eapi, guest, type } = tools;
  await writeFile(join(eapi.dir, 'create.py'), CREATE.replace('IMAGE', guest));
  await type('flavor create --vcpus 1 --ram 128 --disk 1 small');
  await type('flavor create --vcpus 2 --ram 192 --disk 2 large');
});
afterAll(async () => tools[Symbol.asyncDispose]());

const CREATE = `
import openstack
cloud = openstack.connect()
key = cloud.create_keypair('sdk')
with open('key', 'w') as file: file.write(key.private_key)
image = cloud.create_image('guest', filename='IMAGE', disk_format='raw', container_format='bare', wait=True)
script = '#!/bin/sh\\necho "made for $(hostname)" > /root/made\\necho "user data has run"\\n'
server = cloud.create_server('Web Server_1', image=image, flavor='small', key_name='sdk', userdata=script, meta={'role': 'web'}, wait=True, timeout=120)
assert server.status == 'ACTIVE', server.status
print(server.addresses['ecompute'][0]['addr'])
`;

let address: string;

/** Logs in as who has the private key that the API has told, as soon as that is possible, and runs a command. */
const ssh = async (command: string): Promise<string> => {
  const quiet = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'ConnectTimeout=5'];
  const options = [...quiet, 'BatchMode=yes', 'IdentitiesOnly=yes'].flatMap((option) => ['-o', option]);
  const key = join(tools.dir, 'key');
  return waitFor(
    async () => (await tools.libvirtd.netnsExec(['ssh', '-i', key, ...options, `root@${address}`, command])).stdout,
    { what: `'${command}' by ssh in the guest at ${address}`, timeoutMs: 120_000 },
  );
};

test('openstacksdk: a server that is waited for is reached with its key; its name, user data and metadata are in the guest', async () => {
  const { sh } = tools;
  // Debian's Python has it, which need not be the first one.
  address = (await sh('umask 077; /usr/bin/python3 create.py')).trim();
  await sh(`cp key ${join(tools.dir, 'key')}`);
  expect(await ssh('hostname')).toBe('web-server-1\n');
  expect(await ssh('nproc; until [ -s /root/made ]; do sleep 0.1; done; cat /root/made')).toBe(
    '1\nmade for web-server-1\n',
  );
  expect(JSON.parse(await ssh('cat /run/config/openstack/latest/meta_data.json'))).toMatchObject({
    hostname: 'web-server-1',
    meta: { role: 'web' },
  });
  await waitFor(async () => (await sh("openstack console log show 'Web Server_1'")).includes('user data has run'), {
    what: 'the console to have what the user data has said',
    intervalMs: 500,
  });
});

const bootId = async (): Promise<string> => ssh('cat /proc/sys/kernel/random/boot_id');

test('a guest has been started anew after a hard reboot, and a resized one has the processors, memory and disk of its flavor', async () => {
  const { sh } = tools;
  const before = await bootId();
  await sh("openstack server reboot --hard --wait 'Web Server_1'");
  await waitFor(async () => (await bootId()) !== before, { what: 'another boot of the guest', intervalMs: 500 });
  await sh("openstack server resize --flavor large --wait 'Web Server_1'");
  await sh("openstack server resize confirm 'Web Server_1'");
  expect(await ssh('nproc; cat /sys/block/vda/size')).toBe(`2\n${(2 * 1024 ** 3) / 512}\n`);
  const [, kib = '0'] = /MemTotal: *(\d+) kB/.exec(await ssh('cat /proc/meminfo')) ?? [];
  // What the kernel takes for itself is missing.
  expect(Number(kib) / 1024).toBeGreaterThan(128);
  expect(Number(kib) / 1024).toBeLessThan(192);
});

test('what is set as metadata is told to the running guest; after a rebuild it has its name, address and key, and what was set', async () => {
  const { ask, sh } = tools;
  await sh("openstack server set --property role=shop --name shop 'Web Server_1'");
  const request = String.raw`GET /openstack/latest/meta_data.json HTTP/1.0\r\n\r\n`;
  expect(await ssh(`(printf '${request}'; sleep 2) | nc 169.254.169.254 80`)).toContain('"role": "shop"');
  const before = await bootId();
  await sh('openstack server rebuild --image guest --wait shop');
  await waitFor(async () => (await bootId()) !== before, { what: 'another boot of the guest', intervalMs: 500 });
  expect(await ssh('hostname; until [ -s /root/made ]; do sleep 0.1; done; cat /root/made')).toBe(
    'web-server-1\nmade for web-server-1\n',
  );
  expect(await ssh('cat /run/config/openstack/latest/meta_data.json')).toContain('"role": "shop"');
  expect(await ask('server show shop')).toMatchObject({ addresses: { ecompute: [address] } });
});

const AGAIN = `
import gzip, openstack
data = gzip.compress(b'compressed\\n')
server = openstack.connect().create_server('again', image='kept', flavor='large', key_name='own', userdata=data, wait=True, timeout=120)
print(server.addresses['ecompute'][0]['addr'])
`;

test('the image of a server is one to boot from; its guest is let in by the key that it was made with, and told user data that is compressed', async () => {
  const { sh } = tools;
  await sh('openstack server image create --name kept --wait shop && openstack server delete --wait shop');
  await sh('ssh-keygen -q -t ed25519 -N "" -f own && openstack keypair create --public-key own.pub own');
  await sh(`cp own ${join(tools.dir, 'key')}`);
  // Not by `openstack`, which reads text from files.
  address = (await sh(`/usr/bin/python3 -c "${AGAIN}"`)).trim();
  expect(await ssh('hostname; gunzip -c /run/config/openstack/latest/user_data')).toBe('again\ncompressed\n');
});
