import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '@etcd-compute/testing/run-command';
import { findCommand } from '@etcd-compute/testing/service';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOpenstackGuestCloud, type OpenstackGuestCloud } from './openstack-guest-cloud.js';

/** HashiCorp's Packer makes an image: it boots a server, does something in it by ssh, stops it, and keeps its disk. */
let cloud: OpenstackGuestCloud;
beforeAll(async () => {
  cloud = await startOpenstackGuestCloud();
});
afterAll(async () => cloud[Symbol.asyncDispose]());

/** Where on the disk it leaves something: the guest's own files are in memory. */
const BLOCK = 1_000_000;

/** The template of docs/openstack-tools.md, for the tiny guest. */
const template = async (network: string): Promise<object> => {
  const page = await readFile(join(import.meta.dirname, '../../docs/openstack-tools.md'), 'utf8');
  const [, json = ''] = /^```json\n(.*?)^```/ms.exec(page) ?? [];
  const { builders }: { builders: readonly [object] } = JSON.parse(json);
  const script = [
    `echo "$(hostname) was here" | dd of=/dev/vda bs=512 seek=${BLOCK} conv=notrunc,fsync`,
    'echo provisioned-$((6 * 7))',
  ];
  return {
    builders: [{ ...builders[0], flavor: 'm1.guest', networks: [network], ssh_username: 'root' }],
    provisioners: [{ type: 'shell', inline: script }],
  };
};

test('an image that Packer has made holds what was done in the guest, and nothing else stays', async () => {
  const { type, ask, eapi, amongGuests, guest } = cloud;
  await type(`image create --disk-format raw --container-format bare --file ${guest} tiny`);
  await type('flavor create --vcpus 1 --ram 128 --disk 1 m1.guest');
  const [{ ID: network }] = await ask('network list --name ecompute');
  const path = join(eapi.dir, 'packer.json');
  await writeFile(path, JSON.stringify(await template(network)));

  const env = { ...process.env, HOME: eapi.dir, OS_CLIENT_CONFIG_FILE: join(eapi.dir, 'clouds.yaml') };
  const argv = [...amongGuests, findCommand('packer'), 'build', '-color=false', path];
  const { stdout } = await runCommand(argv, { env, cwd: eapi.dir, timeoutMs: 300_000 });
  expect(stdout).toContain('provisioned-42');
  expect(stdout).toMatch(/An image was created: [\da-f-]{36}/);
  expect(await ask('image list')).toMatchObject([{ Name: 'prepared', Status: 'active' }, { Name: 'tiny' }]);
  expect(await ask('server list')).toEqual([]);
  expect(await ask('keypair list')).toEqual([]);

  await writeFile(join(eapi.dir, 'read.sh'), `#!/bin/sh\ndd if=/dev/vda bs=512 skip=${BLOCK} count=1 2> /dev/null\n`);
  const created = await ask(
    'server create --image prepared --flavor m1.guest --network ecompute --config-drive True --user-data read.sh later',
  );
  expect(created).toMatchObject({ name: 'later' });
  const readConsole = async (): Promise<string> => type('console log show later');
  await waitFor(async () => (await readConsole()).includes('prepared was here'), {
    what: 'what Packer has left on the disk',
    intervalMs: 500,
    timeoutMs: 60_000,
    onTimeout: readConsole,
  });
});
