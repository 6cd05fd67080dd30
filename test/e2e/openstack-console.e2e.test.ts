/**
 * A real guest's serial console by `openstack console url show` and a websocket. The hypervisor has a network of its own, on a wire to this
 * one, where etcd and two eapi are.
 */
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import { startEcompute, type Ecompute } from '@etcd-compute/testing/ecompute';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { takeNetwork } from '@etcd-compute/testing/reserve';
import { runCommand } from '@etcd-compute/testing/run-command';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openConsole, type ConsoleClient } from '../integration/fixtures/console-client.js';
import { openTools, type OpenstackTools } from './openstack-cloud.js';

const STORAGE = { name: 'storage', cidr: '10.46.0.0/24' };
const CACHE = join(import.meta.dirname, '../../.cache');

let dir: TempDir;
let libvirtd: LibvirtDaemon;
let proxy: TcpProxy;
let etcd: EtcdServer;
let agent: Ecompute;
let one: EapiServer;
let two: EapiServer;
let tools: OpenstackTools;

beforeAll(async () => {
  const { net, wire } = await takeNetwork();
  dir = await makeTempDir('console');
  const { path } = dir;
  // Guests run as another user, who must reach their disks.
  await chmod(path, 0o755);
  for (const name of ['v', 'agent', 'eapi']) await mkdir(join(path, name));
  libvirtd = await startLibvirtd({ dir: join(path, 'v') });
  const inside = ['nsenter', `--net=${libvirtd.netnsPath}`, '--'];
  const pid = /\/proc\/(\d+)\//.exec(libvirtd.netnsPath)?.[1] ?? '';
  for (const argv of [
    ['ip', 'link', 'add', wire, 'type', 'veth', 'peer', 'name', wire, 'netns', pid],
    ['ip', 'address', 'add', `${net}.1/30`, 'dev', wire],
    ['ip', 'link', 'set', wire, 'up'],
    [...inside, 'ip', 'address', 'add', `${net}.2/30`, 'dev', wire],
    [...inside, 'ip', 'link', 'set', wire, 'up'],
  ])
    await runCommand(argv);
  etcd = await startEtcd();
  proxy = await startTcpProxy(etcd, { host: `${net}.1` });
  agent = await startEcompute({
    etcd: proxy,
    placement: 'etcd',
    dir: join(path, 'agent'),
    wrapper: inside,
    config: { libvirt: { uri: libvirtd.uri }, endpoint: { advertise: [`${net}.2`] }, networks: [STORAGE] },
  });
  one = await startEapi({
    etcd,
    dir: join(path, 'eapi'),
    config: { images: { folder: join(path, 'eapi', 'images'), listen: `${net}.1`, advertise: [`${net}.1`] } },
  });
  two = await startEapi({ etcd });
  tools = await openTools(one);
  const guest = await buildGuestImage(CACHE);
  await tools.sh(`
    openstack image create --disk-format raw --container-format bare --file ${guest.path} guest
    openstack flavor create --vcpus 1 --ram 128 --disk 1 small
    openstack server create --image guest --flavor small --network ecompute --wait web
    openstack user create --password secret ron
    openstack role add --user ron --project admin reader`);
});
afterAll(async () => {
  await tools[Symbol.asyncDispose]();
  for (const eapi of [two, one]) await eapi.stop();
  await agent.stop();
  await proxy.stop();
  await etcd.stop();
  await libvirtd.stop();
  await dir[Symbol.asyncDispose]();
});

/** Runs a command at the shell, to its end. @returns what it wrote. */
const run = async ({ socket, said }: ConsoleClient, command: string): Promise<string> => {
  // The shell comes after the address, and the words as they are typed are not those that it writes.
  await waitFor(
    () => {
      if (!said().includes('ready-5')) socket.send('\recho ready-$((2+3))\r');
      return said().includes('ready-5');
    },
    { what: 'a shell in the guest', intervalMs: 500, onTimeout: said },
  );
  const start = said().length;
  socket.send(`echo begin-$((2+5)); ${command}; echo end-$((2+7))\r`);
  await waitFor(() => said().slice(start).includes('end-9'), { what: `'${command}' to end`, onTimeout: said });
  return (/begin-7\r*\n([\s\S]*?)end-9/.exec(said().slice(start))?.[1] ?? '').replaceAll('\r', '').trim();
};

const SHOW = 'console url show --serial web';

test('a command is typed at the guest’s console by websocket, at any eapi, and its output comes back', async () => {
  const { url, type } = await tools.ask(SHOW);
  expect(type).toBe('serial');
  await using first = await openConsole(url);
  expect(await run(first, 'cat /sys/class/dmi/id/product_uuid')).toBe((await tools.ask('server show web')).id);
  const { url: later } = JSON.parse(await tools.sh(`openstack --os-compute-api-version 2.6 ${SHOW} -f json`));
  await using second = await openConsole(later.replace(/:\d+\//, `:${new URL(two.endpoint).port}/`));
  expect(await first.closed).toMatchObject({ code: 1000, reason: 'The console was opened elsewhere.' });
  expect(await run(second, 'seq 1 20000 | md5sum | cut -c 1-8')).toMatch(/^[0-9a-f]{8}$/);
  const many = await run(second, 'seq 1 3000');
  expect(many.split('\n')).toEqual(Array.from({ length: 3000 }, (_, index) => String(index + 1)));
  const logs = await Promise.all([one, two].map(async (eapi) => readFile(join(eapi.dir, 'eapi.log'), 'utf8')));
  const log = logs.join('');
  for (const each of [url, later]) expect(log).not.toContain(new URL(each).searchParams.get('token'));
  expect(log).toContain('/compute/serial-console?token=hidden');
  expect(log).toContain('console opened');
});

test('a running guest is connected to one more network, and disconnected', async () => {
  await using client = await openConsole((await tools.ask(SHOW)).url);
  expect(await run(client, 'ls /sys/class/net')).toBe('eth0  lo');
  await tools.sh('openstack server add network web storage');
  const [port] = await tools.ask('port list --server web --network storage');
  expect(port).toMatchObject({ Status: 'ACTIVE' });
  // The guest finds it in its own time.
  await waitFor(async () => (await run(client, 'cat /sys/class/net/eth1/address')) === port['MAC Address'], {
    what: 'eth1',
    onTimeout: client.said,
  });
  await tools.sh('openstack server remove network web storage');
  await waitFor(async () => (await run(client, 'ls /sys/class/net')) === 'eth0  lo', {
    what: 'eth1 to go',
    onTimeout: client.said,
  });
});

test('a reader has none', async () => {
  expect(await tools.sh(`openstack --os-username ron --os-password secret ${SHOW} 2>&1 || true`)).toMatch(
    /403.*compute:servers:act/,
  );
});

test('it ends with the guest, which then has none', async () => {
  await using client = await openConsole((await tools.ask(SHOW)).url);
  await client.waitForText('end-9');
  await tools.sh('openstack server stop web');
  expect(await client.closed).toMatchObject({ code: 1000, reason: expect.stringContaining('the server has stopped') });
  await waitFor(async () => (await tools.ask('server show web')).status === 'SHUTOFF', { what: 'web to be off' });
  expect(await tools.sh(`openstack ${SHOW} 2>&1 || true`)).toMatch(/409.*is not ready/);
});
