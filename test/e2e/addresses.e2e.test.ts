/** A guest's addresses while it runs: what its agent tells of a bridge, and IPv6 of the agent's own network. */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { connect } from '@etcd-compute/libvirt/connection';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
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

const CACHE = join(import.meta.dirname, '../../.cache');
const GUEST = { VCPU: 1, DISK_GB: 1, MEMORY_MB: 128 };
const DHCPV6_CLIENT = fileURLToPath(new URL('dhcpv6-client.mjs', import.meta.url));

let world: World;
let libvirtd: LibvirtDaemon;
let agent: Ecompute;

beforeAll(async () => {
  world = await startWorld();
  await chmod(world.dir.path, 0o755);
  const [dir, agentDir] = [join(world.dir.path, 'v'), join(world.dir.path, 'agent')];
  await Promise.all([mkdir(dir), mkdir(agentDir)]);
  world.images.setFile('guest', (await buildGuestImage(CACHE)).path);
  libvirtd = await startLibvirtd({ dir });
  await libvirtd.netnsExec(['ip', 'link', 'add', 'br0', 'up', 'type', 'bridge']);
  agent = await world.startAgent({
    dir: agentDir,
    beside: libvirtd,
    config: {
      libvirt: { uri: libvirtd.uri },
      bridge: 'br0',
      network: { cidr: '10.45.0.0/24', cidr6: 'fd00:45::/64' },
      period: 2,
    },
  });
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await libvirtd.stop();
  await world[Symbol.asyncDispose]();
});

const destroy = async (instance: InstanceUuid): Promise<void> => {
  await askToDestroy(world, agent.uuid, instance);
  await waitForState(world, instance, 'deleted');
};

const bootedOf = async (instance: InstanceUuid): Promise<string | undefined> =>
  (await world.store.get(world.keys.booted(instance)))?.value;

/** Types lines at the shell on the guest's serial console; returns a function that types more. */
const openShell = async (instance: InstanceUuid): Promise<AsyncDisposable & { type: (line: string) => void }> => {
  const connection = await connect(libvirtd.uri);
  await using domain = await connection.domainLookupByUUID(instance);
  const terminal = await domain.openConsole(null);
  let text = '';
  terminal.on('data', (chunk: Buffer) => (text += chunk.toString()));
  terminal.on('error', () => undefined); // the guest goes away under it
  await waitFor(
    () => {
      if (!text.includes('ready-5')) terminal.write('\recho ready-$((2+3))\r');
      return text.includes('ready-5');
    },
    { what: 'a shell in the guest', intervalMs: 500 },
  );
  return {
    type: (line) => void terminal.write(`${line}\r`),
    [Symbol.asyncDispose]: async () => {
      terminal.destroy();
      await connection.close();
    },
  };
};

const hasAddress =
  (address: string) =>
  ({ addresses }: InstanceRecord): boolean =>
    addresses.some((entry) => entry.address === address);

test('an address on a bridge is told by the guest agent when it comes, and goes; an agent that hangs costs only what it told', async () => {
  const instance = await boot(world, agent.uuid, { image: world.images.url('guest'), resources: GUEST });
  const record = await waitForRecord(
    world,
    instance,
    ({ address_sources: sources }) => sources?.['lease'] === 'found' && sources['agent'] === 'found',
  );
  const [lease] = record.addresses;
  expect(record.addresses).toEqual([{ ...lease, family: 'ipv4', source: 'lease' }]);
  await using shell = await openShell(instance);
  shell.type('ip address add 192.0.2.9/24 dev eth1');
  shell.type('ip address add 2001:db8::9/64 dev eth1');
  const told = await waitForRecord(world, instance, hasAddress('2001:db8::9'));
  const second = { mac: expect.stringMatching(/^52:/), source: 'agent' };
  expect(told.addresses).toEqual([
    lease,
    { address: '192.0.2.9', family: 'ipv4', ...second },
    { address: '2001:db8::9', family: 'ipv6', ...second },
  ]);
  expect(told.addresses[1]?.mac).not.toBe(lease?.mac);
  expect(await bootedOf(instance)).toBe(lease?.address);

  shell.type('ip address del 192.0.2.9/24 dev eth1');
  const fewer = await waitForRecord(world, instance, (current) => !hasAddress('192.0.2.9')(current));
  expect(hasAddress('2001:db8::9')(fewer)).toBe(true);

  shell.type('killall -STOP agent');
  const silent = await waitForRecord(world, instance, (current) => !hasAddress('2001:db8::9')(current));
  expect(silent.addresses).toEqual([lease]);
  expect(silent.address_sources).toMatchObject({ lease: 'found', agent: 'the guest agent does not answer' });
  // The host asks its neighbours then; whether libvirt can read them depends on the kernel.
  await waitForRecord(world, instance, ({ address_sources: sources }) => sources?.['arp'] !== undefined);
  const complaints = (await agent.readLog()).filter(({ msg }) => msg.startsWith('libvirt cannot tell the neighbours'));
  expect(complaints.length).toBeLessThanOrEqual(1);
  shell.type('killall -CONT agent');
  await waitForRecord(world, instance, hasAddress('2001:db8::9'));
  await destroy(instance);
});

test('a guest that asks for IPv6 on the managed network gets an address, which its record has as a lease', async () => {
  // It has no system, so that its part on the network can be played with its MAC.
  const instance = await boot(world, agent.uuid);
  await waitForState(world, instance, 'active');
  await using connection = await connect(libvirtd.uri);
  await using domain = await connection.domainLookupByUUID(instance);
  const [{ mac, targetDev: port = '' } = { mac: '' }] = parseDomain(await domain.getXMLDesc()).interfaces;
  await using network = await connection.networkLookupByName('ecompute');
  const bridge = await network.getBridgeName();
  const exec = async (command: string): Promise<string> =>
    (await libvirtd.netnsExec(command.split(' '), { timeoutMs: 30_000 })).stdout.trim();
  await exec('ip netns add guest');
  await exec(`ip link set ${port} down`);
  await exec(`ip link set ${port} name parked`);
  await exec(`ip link add ${port} master ${bridge} type veth peer name eth0 netns guest address ${mac}`);
  await exec(`ip link set ${port} up`);
  await exec('ip -n guest link set eth0 up');
  const ask = async (identifier: string): Promise<string> =>
    exec(`ip netns exec guest ${process.execPath} ${DHCPV6_CLIENT} eth0 ${identifier}`);
  const first = await ask(mac);
  const record = await waitForRecord(world, instance, ({ addresses }) => addresses.length > 0);
  expect(record.addresses).toEqual([
    { address: expect.stringMatching(/^fd00:45::10:[0-9a-f]+$/), family: 'ipv6', mac, source: 'lease' },
  ]);
  expect(await bootedOf(instance)).toBe(record.addresses[0]?.address);
  // A new system on the same port, whose identifier is another, is not kept waiting for the end of the old one's lease.
  const second = await ask('52:54:00:00:be:ef');
  expect(second).not.toBe(first);
  // Both are of its block, of which other guests have none.
  expect(second.slice(0, -1)).toBe(first.slice(0, -1));
  await destroy(instance);
});
