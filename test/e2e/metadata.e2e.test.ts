/** The metadata address, asked by real guests: each is told its own, and nothing is told to who could be another. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { macOfAddress } from '@etcd-compute/agent/networks/address-plan';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { connect } from '@etcd-compute/libvirt/connection';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  askToDestroy,
  boot,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../integration/fixtures/agent-world.js';
import { runInGuest } from './guest-shell.js';

const CACHE = join(import.meta.dirname, '../../.cache');
const GUEST = { VCPU: 1, DISK_GB: 1, MEMORY_MB: 128 };

interface Guest {
  readonly instance: InstanceUuid;
  readonly address: string;
}

let world: World;
let libvirtd: LibvirtDaemon;
let agent: Ecompute;
let image: string;
/** Booted before the option was on. */
let early: Guest;
let late: Guest;
let bridge: string;

const bootGuest = async (): Promise<Guest> => {
  const instance = await boot(world, agent.uuid, { image, resources: GUEST });
  const { addresses } = await waitForRecord(world, instance, (record) => record.addresses.length > 0);
  return { instance, address: addresses[0]?.address ?? '' };
};

const setMetadata = async (metadata: unknown): Promise<void> => {
  const config: Record<string, unknown> = JSON.parse(await readFile(agent.configPath, 'utf8'));
  await writeFile(agent.configPath, JSON.stringify({ ...config, metadata }));
};

beforeAll(async () => {
  world = await startWorld();
  // Guests run as another user, who must reach their disks.
  await chmod(world.dir.path, 0o755);
  const [dir, agentDir] = [join(world.dir.path, 'v'), join(world.dir.path, 'agent')];
  await Promise.all([mkdir(dir), mkdir(agentDir)]);
  const guest = await buildGuestImage(CACHE);
  world.images.setFile('guest', guest.path);
  image = world.images.url('guest');
  libvirtd = await startLibvirtd({ dir });
  agent = await world.startAgent({
    dir: agentDir,
    beside: libvirtd,
    config: {
      libvirt: { uri: libvirtd.uri },
      inventory: { VCPU: { allocation_ratio: 100 } },
      guests: { config_drive: 'none' },
    },
  });
  early = await bootGuest();
  await setMetadata(true);
  await agent.restart();
  late = await bootGuest();
  await using connection = await connect(libvirtd.uri);
  await using network = await connection.networkLookupByName('ecompute');
  bridge = await network.getBridgeName();
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await libvirtd.stop();
  await world[Symbol.asyncDispose]();
});

const run = async ({ instance }: Guest, command: string): Promise<string> =>
  runInGuest(libvirtd.uri, instance, command);

/** One request, and what came back. By nc: the guest's wget dies of a C library without its files. */
const request = async (
  guest: Guest,
  line: string,
  { headers = [], seconds = 10 }: { headers?: readonly string[]; seconds?: number } = {},
): Promise<string> => {
  const lines = [`${line} HTTP/1.1`, 'Host: 169.254.169.254', ...headers, 'Connection: close', '', ''];
  const text = lines.join(String.raw`\r\n`);
  // Its input stays open until the server is done: an end of it would be the end of the request.
  return run(
    guest,
    `(rm -f /f; mkfifo /f; nc -w ${seconds} 169.254.169.254 80 < /f & exec 3> /f; printf '${text}' >&3; wait) 2>&1`,
  );
};

const ask = async (guest: Guest, path: string, header?: string): Promise<string> =>
  request(guest, `GET ${path}`, header === undefined ? {} : { headers: [header] });

const bodyOf = (reply: string): string => {
  expect(reply).toMatch(/^HTTP\/1.1 200 /);
  return reply.split('\n\n').slice(1).join('\n\n');
};

const getToken = async (guest: Guest, ...headers: readonly string[]): Promise<string> =>
  request(guest, 'PUT /latest/api/token', { headers: ['X-aws-ec2-metadata-token-ttl-seconds: 60', ...headers] });

const tokenOf = async (guest: Guest): Promise<string> => `X-aws-ec2-metadata-token: ${bodyOf(await getToken(guest))}`;

test('each guest is told its own, also one that ran before the option was on, and by a token of its own', async () => {
  for (const guest of [early, late]) {
    const token = await tokenOf(guest);
    expect(bodyOf(await ask(guest, '/latest/meta-data/instance-id', token))).toBe(guest.instance);
    expect(bodyOf(await ask(guest, '/2009-04-04/meta-data/local-ipv4', token))).toBe(guest.address);
    const told: unknown = JSON.parse(bodyOf(await ask(guest, '/openstack/latest/meta_data.json')));
    expect(told).toMatchObject({ uuid: guest.instance });
  }
  expect(await ask(late, '/latest/meta-data/instance-id')).toMatch(/^HTTP\/1.1 401 /);
  expect(await ask(late, '/latest/meta-data/instance-id', await tokenOf(early))).toMatch(/^HTTP\/1.1 401 /);
  expect(await getToken(late, 'X-Forwarded-For: 10.45.0.2')).toMatch(/^HTTP\/1.1 403 /);
  // cloud-init looks for the OpenStack address when the machine says that it is one.
  expect(await run(late, 'cat /sys/class/dmi/id/product_name')).toBe('OpenStack Nova');
});

test('a guest that takes the address of another, with or without its MAC, is told nothing', async () => {
  const take = (address: string, mac: string): string =>
    [
      'ip link set eth0 down',
      `ip link set eth0 address ${mac}`,
      'ip address flush dev eth0',
      'ip link set eth0 up',
      `ip address add ${address}/24 dev eth0`,
      'ip route replace default via 10.45.0.1 dev eth0',
    ].join('; ');
  const own = macOfAddress(late.address);
  const askInVain = async (): Promise<string> => request(late, 'GET /openstack/latest/meta_data.json', { seconds: 3 });
  await run(late, take(early.address, own));
  expect(await askInVain()).not.toContain('HTTP/');
  await run(late, take(early.address, macOfAddress(early.address)));
  expect(await askInVain()).not.toContain('HTTP/');
  expect(await ask(early, '/openstack/latest/meta_data.json')).toContain(early.instance);
  await run(late, take(late.address, own));
  expect(await ask(late, '/openstack/latest/meta_data.json')).toContain(late.instance);
});

test('who is plugged into the bridge and is no guest is told nothing, whatever its address; guests are told as before', async () => {
  const exec = async (command: string): Promise<string> =>
    (await libvirtd.netnsExec(['sh', '-c', command])).stdout.trim();
  await exec(
    [
      'ip netns add stranger',
      'ip link add plug type veth peer name eth0 netns stranger',
      `ip link set plug master ${bridge} up`,
      `ip -n stranger link set eth0 address ${macOfAddress(early.address)} up`,
      `ip -n stranger address add ${early.address}/24 dev eth0`,
      'ip -n stranger route add default via 10.45.0.1',
    ].join(' && '),
  );
  const fetch = `fetch('http://169.254.169.254/openstack/latest/meta_data.json', { signal: AbortSignal.timeout(5000) }).then(async (r) => console.log(r.status, await r.text()), (e) => console.log(e.message, e.cause?.code))`;
  const { stdout } = await libvirtd.netnsExec(['ip', 'netns', 'exec', 'stranger', process.execPath, '-e', fetch]);
  expect(stdout).toMatch(/timeout|EHOSTUNREACH/);
  for (const guest of [early, late])
    expect(await ask(guest, '/openstack/latest/meta_data.json')).toContain(guest.instance);
  await exec('ip link delete plug && ip netns delete stranger');
});

test('it comes back after libvirtd, the network and the agent went away, and goes with the agent', async () => {
  const isTold = async (): Promise<void> => {
    await waitFor(async () => (await ask(late, '/openstack/latest/meta_data.json')).includes(late.instance), {
      what: 'the guest to be answered',
    });
  };
  await libvirtd.kill();
  await libvirtd.restart();
  await isTold();
  await using connection = await connect(libvirtd.uri);
  await using network = await connection.networkLookupByName('ecompute');
  const isUp = ({ msg }: { msg: string }): boolean => msg === 'metadata address is up';
  const before = (await agent.readLog()).filter(isUp).length;
  await network.destroy();
  await network.create();
  await waitFor(async () => (await agent.readLog()).filter(isUp).length > before, { what: 'the address to be up' });
  // Running guests are not plugged in again by libvirt.
  await libvirtd.netnsExec([
    'sh',
    '-c',
    `for port in /sys/class/net/ec*; do ip link set \${port##*/} master ${bridge}; done`,
  ]);
  await isTold();
  agent.kill('SIGKILL');
  await agent.exit();
  await agent.restart();
  await isTold();
  await agent.stop();
  const { stdout } = await libvirtd.netnsExec(['ip', 'address', 'show', 'dev', bridge]);
  expect(stdout).not.toContain('169.254.169.254');
  await setMetadata(false);
  await agent.restart();
  for (const { instance } of [early, late]) await askToDestroy(world, agent.uuid, instance);
  for (const { instance } of [early, late]) await waitForState(world, instance, 'deleted');
});
