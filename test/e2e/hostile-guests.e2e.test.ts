/**
 * Two real guests under the agent, of which one tries what a hostile one would:
 *
 *   this network: etcd, Placement, images ── hypervisor: libvirtd, agent, two guests behind its NAT ── router ── the internet
 */
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { macOfAddress } from '@etcd-compute/agent/networks/address-plan';
import { portNameOf } from '@etcd-compute/agent/networks/port-names';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { startEcompute, type Ecompute } from '@etcd-compute/testing/ecompute';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startImageServer, type ImageServer } from '@etcd-compute/testing/image-server';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { takeNetwork } from '@etcd-compute/testing/reserve';
import { runCommand } from '@etcd-compute/testing/run-command';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
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
const SOCKETS = fileURLToPath(new URL('sockets.py', import.meta.url));
const GUEST = { VCPU: 1, DISK_GB: 1, MEMORY_MB: 128 };
const INTERNET = '203.0.113.10';
const SERVER_PORT = 2379;

interface Guest {
  readonly instance: InstanceUuid;
  readonly address: string;
}

let net: string;
let world: World;
let libvirtd: LibvirtDaemon;
let images: ImageServer;
let etcd: TcpProxy;
let placement: TcpProxy;
let agent: Ecompute;
let hostile: Guest;
let honest: Guest;

const onHost = async (command: string): Promise<string> => (await libvirtd.netnsExec(['sh', '-ec', command])).stdout;

/** The hypervisor's network: a wire to this one, and a router behind which the internet is. */
const layNetworks = async (wire: string): Promise<void> => {
  const pid = /\/proc\/(\d+)\//.exec(libvirtd.netnsPath)?.[1] ?? '';
  await runCommand(['ip', 'link', 'add', wire, 'type', 'veth', 'peer', 'name', 'lan0', 'netns', pid]);
  await runCommand(['ip', 'address', 'add', `${net}.1/24`, 'dev', wire]);
  await runCommand(['ip', 'link', 'set', wire, 'up']);
  await onHost(
    [
      `ip address add ${net}.2/24 dev lan0`,
      'ip link set lan0 up',
      'ip netns add router',
      'ip link add wan0 up type veth peer name eth0 netns router',
      'ip address add 198.51.100.2/24 dev wan0',
      'ip -n router address add 198.51.100.1/24 dev eth0',
      `ip -n router address add ${INTERNET}/32 dev eth0`,
      'ip -n router link set eth0 up',
      'ip route add default via 198.51.100.1',
    ].join('\n'),
  );
};

/** Starts servers there, which end with libvirtd's network. */
const serve = async (argv: readonly string[], name: string): Promise<void> => {
  const output = join(world.dir.path, name);
  await runCommand([...argv, 'sh', '-c', `python3 ${SOCKETS} serve ${SERVER_PORT} > ${output} 2>&1 < /dev/null &`]);
  await waitFor(async () => (await readFile(output, 'utf8')).includes('ready'), { what: `servers on the ${name}` });
};

const bootGuest = async (): Promise<Guest> => {
  const instance = await boot(world, agent.uuid, { image: images.url('guest'), resources: GUEST });
  const { addresses } = await waitForRecord(world, instance, (record) => record.addresses.length > 0);
  return { instance, address: addresses[0]?.address ?? '' };
};

const run = async ({ instance }: Guest, command: string): Promise<string> =>
  runInGuest(libvirtd.uri, instance, command);

/** Which of these the guest reaches by TCP. */
const reachedBy = async (
  guest: Guest,
  targets: readonly (readonly [address: string, port: number])[],
): Promise<string[]> => {
  const tries = targets.map(
    ([address, port]) =>
      `{ nc -w 3 ${address} ${port} < /dev/null > /dev/null 2>&1 && echo reached ${address} ${port}; } &`,
  );
  const text = await run(guest, `{ ${tries.join(' ')} wait; } 2> /dev/null`);
  return targets.map(([address, port]) => `${address} ${port}`).filter((target) => text.includes(`reached ${target}`));
};
const pings = async (guest: Guest, address: string): Promise<boolean> =>
  (await run(guest, `ping -c 1 -W 5 ${address} > /dev/null && echo alive`)) === 'alive';

beforeAll(async () => {
  world = await startWorld();
  // Guests run as another user, who must reach their disks.
  await chmod(world.dir.path, 0o755);
  for (const name of ['v', 'agent']) await mkdir(join(world.dir.path, name));
  libvirtd = await startLibvirtd({ dir: join(world.dir.path, 'v') });
  const network = await takeNetwork();
  ({ net } = network);
  await layNetworks(network.wire);
  images = await startImageServer({ guest: (await buildGuestImage(CACHE)).path }, { host: `${net}.1` });
  etcd = await startTcpProxy(world.etcd, { host: `${net}.1` });
  placement = await startTcpProxy(
    { host: '127.0.0.1', port: Number(new URL(world.placement.endpoint).port) },
    { host: `${net}.1` },
  );
  await serve(libvirtd.netnsArgv([]), 'host');
  await serve(libvirtd.netnsArgv(['ip', 'netns', 'exec', 'router']), 'router');
  agent = await startEcompute({
    etcd,
    placement,
    dir: join(world.dir.path, 'agent'),
    wrapper: ['nsenter', `--net=${libvirtd.netnsPath}`, '--'],
    config: {
      libvirt: { uri: libvirtd.uri },
      images: { allow_private: [`${net}.0/24`] },
      inventory: { VCPU: { allocation_ratio: 100 } },
      metadata: { token: 'optional' },
      period: 2,
    },
  });
  hostile = await bootGuest();
  honest = await bootGuest();
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await libvirtd.stop();
  await Promise.all([images.stop(), etcd.stop(), placement.stop()]);
  await world[Symbol.asyncDispose]();
});

/** Where the agent listens for `eschedule logs` and `ssh`. */
const endpointPort = async (): Promise<number> => {
  const { port } = await agent.waitForLog('serving consoles');
  return Number(port);
};
const controlPlane = async (): Promise<(readonly [string, number])[]> => {
  const endpoint = await endpointPort();
  return [
    [`${net}.1`, etcd.port],
    [`${net}.1`, placement.port],
    ...['10.45.0.1', `${net}.2`, '198.51.100.2'].flatMap((address) => [
      [address, endpoint] as const,
      [address, SERVER_PORT] as const,
    ]),
    // The router, which is on a network of the host.
    ['198.51.100.1', SERVER_PORT],
  ];
};
/** Of what the guests are to be told and to reach. */
const expectAllThatIsAllowed = async (guest: Guest, other: Guest): Promise<void> => {
  expect(await pings(guest, other.address)).toBe(true);
  expect(
    await reachedBy(guest, [
      [INTERNET, SERVER_PORT],
      ['10.45.0.1', 53],
    ]),
  ).toHaveLength(2);
  // Its input stays open until the server is done: an end of it would be the end of the request.
  const request = String.raw`GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n`;
  // An agent on a machine with much else to do says "not now, ask again".
  const answer = await waitFor(
    async () => {
      const said = await run(
        guest,
        `(rm -f /f; mkfifo /f; nc -w 10 169.254.169.254 80 < /f & exec 3> /f; printf '${request}' >&3; wait) 2>&1`,
      );
      return !said.includes('HTTP/1.1 503') && said;
    },
    { what: 'the metadata server to have time', intervalMs: 1000 },
  );
  expect(answer).toContain(guest.instance);
};
const expectNothingElse = async (): Promise<void> => {
  expect(await reachedBy(hostile, await controlPlane())).toEqual([]);
};

test('guests get an address by DHCP, and reach DNS, metadata, each other and the internet', async () => {
  await expectAllThatIsAllowed(hostile, honest);
  await expectAllThatIsAllowed(honest, hostile);
  // Resolved by the host.
  expect(await run(hostile, 'nslookup localhost 10.45.0.1')).toContain('127.0.0.1');
  // What the host opens is answered.
  await onHost(`ping -c 1 -W 5 ${hostile.address}`);
});

test('a guest reaches neither etcd, Placement and the agent, nor any address of the host and of its networks', async () => {
  // All of them are there.
  const targets = await controlPlane();
  const reached = await Promise.all(
    targets.map(async ([address, port]) => {
      const { stdout } = await libvirtd.netnsExec(['python3', SOCKETS, 'probe', `tcp/${address}/${port}`]);
      return stdout.includes('true');
    }),
  );
  expect(targets.filter((_, index) => !reached[index])).toEqual([]);
  await expectNothingElse();
});

test('a guest that takes its neighbour’s address, with or without the MAC, reaches nobody and takes nothing from it', async () => {
  const be = (address: string, mac: string): string =>
    [
      'ip link set eth0 down',
      `ip link set eth0 address ${mac}`,
      'ip address flush dev eth0',
      'ip link set eth0 up',
      `ip address add ${address}/20 dev eth0`,
      'ip route replace default via 10.45.0.1 dev eth0',
      `arping -c 2 -U -I eth0 ${address} > /dev/null 2>&1`,
    ].join('; ');
  const own = macOfAddress(hostile.address);
  for (const mac of [own, macOfAddress(honest.address)]) {
    await run(hostile, be(honest.address, mac));
    expect(
      await reachedBy(hostile, [
        [INTERNET, SERVER_PORT],
        ['10.45.0.1', 53],
        ['169.254.169.254', 80],
      ]),
    ).toEqual([]);
    expect(await onHost(`ping -c 1 -W 5 ${honest.address} > /dev/null; ip neigh show ${honest.address}`)).toContain(
      macOfAddress(honest.address),
    );
  }
  // The gateway's own address, which every neighbour would ask for.
  await run(hostile, be('10.45.0.1', own));
  await run(honest, 'ip neigh flush dev eth0');
  expect(await reachedBy(honest, [[INTERNET, SERVER_PORT]])).toHaveLength(1);
  await run(hostile, be(hostile.address, own));
  await expectAllThatIsAllowed(hostile, honest);
});

const elements = async (): Promise<string> => onHost('nft list set bridge ecompute-ecompute macs');
const hasElements = async (): Promise<boolean> => {
  const text = await elements().catch(() => '');
  return [hostile, honest].every(({ instance }) => text.includes(portNameOf(instance, 0)));
};

test('the filter is put right after a flush, and after a rule, an element or the host’s addresses changed', async () => {
  await onHost('nft add table bridge ecompute-another; nft add table inet filter');
  const breakIt = [
    'nft flush ruleset',
    'nft delete table inet ecompute-ecompute',
    'nft flush chain bridge ecompute-ecompute from-guest',
    `nft delete element bridge ecompute-ecompute ports { ${portNameOf(honest.instance, 0)} }`,
    'nft add element bridge ecompute-ecompute ports { stranger0 }',
  ];
  for (const command of breakIt) {
    const before = (await agent.readLog()).filter(({ msg }) => msg === 'packet filter is in place').length;
    await onHost(command);
    await waitFor(
      async () => (await agent.readLog()).filter(({ msg }) => msg === 'packet filter is in place').length > before,
      {
        what: `the filter to be put right after '${command}'`,
      },
    );
    expect(await hasElements()).toBe(true);
    expect(await elements()).not.toContain('stranger0');
  }
  // A network that the host gets is not the guests'.
  await onHost('ip link add late0 up type bridge && ip address add 192.0.2.1/24 dev late0');
  await waitFor(async () => (await onHost('nft list set inet ecompute-ecompute deny')).includes('192.0.2.0/24'), {
    what: 'the new network to be denied',
  });
  await expectNothingElse();
  // The flush took libvirt's translation of addresses too, which comes back with libvirtd.
  await libvirtd.kill();
  await libvirtd.restart();
  await expectAllThatIsAllowed(honest, hostile);
});

test('the filter holds while the agent is away, and is as it should be after agent and libvirtd were killed', async () => {
  agent.kill('SIGKILL');
  await agent.exit();
  await libvirtd.kill();
  // The endpoint has gone with the agent: other servers of the host are still there to be tried.
  const targets = [
    [`${net}.1`, etcd.port],
    [`${net}.2`, SERVER_PORT],
    ['198.51.100.1', SERVER_PORT],
  ] as const;
  await libvirtd.restart();
  expect(await reachedBy(hostile, targets)).toEqual([]);
  // What an agent missed while it was away: a guest that is gone, and one without its elements.
  const port = portNameOf(honest.instance, 0);
  await onHost(`nft delete element bridge ecompute-ecompute macs { ${port} . ${macOfAddress(honest.address)} }`);
  await onHost('nft add element bridge ecompute-ecompute macs { ec0123456789ab0 . 52:54:00:2d:00:99 }');
  await agent.restart();
  expect(await hasElements()).toBe(true);
  expect(await elements()).not.toContain('ec0123456789ab0');
  await expectNothingElse();
  await expectAllThatIsAllowed(honest, hostile);
});

test('the elements of a guest go with it, and tables of others stay', async () => {
  const { instance } = honest;
  await askToDestroy(world, agent.uuid, instance);
  await waitForState(world, instance, 'deleted');
  expect(await elements()).not.toContain(portNameOf(instance, 0));
  const listTables = async (): Promise<string[]> => (await onHost('nft list tables')).trim().split('\n').toSorted();
  await onHost('nft add table bridge ecompute-another');
  const before = await listTables();
  await agent.restart();
  expect(await listTables()).toEqual(before);
});

test('without the right to set the filter, no guest is started, and the record says what to do', async () => {
  await agent.stop();
  const dir = join(world.dir.path, 'agent-without-rights');
  await mkdir(dir);
  await using powerless = await startEcompute({
    etcd,
    placement,
    dir,
    wrapper: [
      'nsenter',
      `--net=${libvirtd.netnsPath}`,
      '--',
      'setpriv',
      '--inh-caps=-net_admin',
      '--bounding-set=-net_admin',
    ],
    config: {
      libvirt: { uri: libvirtd.uri },
      images: { allow_private: [`${net}.0/24`] },
      network: { name: 'powerless', cidr: '10.47.0.0/24' },
      disks: { pool: 'powerless' },
    },
  });
  await powerless.waitForLog('packet filter is not in place, no guest is started');
  const instance = await boot(world, powerless.uuid, { image: images.url('guest'), resources: GUEST });
  const { fault } = await waitForState(world, instance, 'error');
  expect(fault).toMatchObject({
    code: 'ECOMPUTE_FILTER_FAILED',
    step: 'start-domain',
    retryable: true,
    hint: expect.stringContaining('CAP_NET_ADMIN'),
  });
});
