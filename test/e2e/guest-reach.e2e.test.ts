/**
 * What guests reach by the packet filter, address by address, and what reaches them:
 *
 *   guest, neighbour ── bridge of the host ── lan0 ── router ── the internet, etcd, Placement, what the config denies
 *                                              └── other hosts
 */
import { fileURLToPath } from 'node:url';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { layWire, putFilter, runLines } from './guest-wires.js';
import { startMachine, type Machine } from './machine.js';
import { CIDR, CIDR6, HOST, liar as guest, other as neighbour, PORTS, stranger } from './wired-guests.js';

const SOCKETS = fileURLToPath(new URL('sockets.py', import.meta.url));
const BRIDGE = 'guests0';
const ADDRESSES = {
  host: ['192.0.2.2', '2001:db8:1::2', '192.0.2.3', '169.254.169.254'],
  router: [
    '192.0.2.1',
    '2001:db8:1::1',
    '203.0.113.10',
    '2001:db8:9::10',
    '198.51.100.5',
    '198.51.100.6',
    '2001:db8:5::6',
    '198.51.100.70',
    '198.51.100.71',
    '2001:db8:7::70',
    '169.254.169.253',
  ],
  /** Another host on the same network as ours. */
  other: ['192.0.2.10', '2001:db8:1::10', '192.0.2.11'],
};
const CONFIG = {
  etcd: { hosts: ['http://198.51.100.5:2379', 'http://127.0.0.1:2379'] },
  placement: { endpoint: 'http://198.51.100.6:8778' },
  network: {
    cidr: CIDR,
    cidr6: CIDR6,
    deny: ['198.51.100.64/26', '2001:db8:7::/48', '10.0.0.0/8'],
    allow: ['198.51.100.71', '192.0.2.11', '192.0.2.3'],
  },
};
const PORT = 2379;

let dir: TempDir;
let machine: Machine;

const inNetns = (netns: string, ...argv: readonly string[]): string[] => ['ip', 'netns', 'exec', netns, ...argv];

const serve = async (argv: readonly string[], ports: readonly number[]): Promise<void> => {
  await machine.start([...argv, 'python3', SOCKETS, 'serve', ...ports.map(String)]).waitForOutput('ready');
};

/** Which of these are reached. */
const probe = async (argv: readonly string[], targets: readonly string[]): Promise<string[]> => {
  const { stdout } = await machine.run([...argv, 'python3', SOCKETS, 'probe', ...targets], { timeoutMs: 60_000 });
  const reached: Record<string, boolean> = JSON.parse(stdout);
  return targets.filter((target) => reached[target]);
};
const probeByGuest = async (targets: readonly string[], netns = guest.wire.netns): Promise<string[]> =>
  probe(inNetns(netns), targets);
const tcp = (address: string, port = PORT): string => `tcp/${address}/${port}`;
const udp = (address: string, port = PORT): string => `udp/${address}/${port}`;

const addAddresses = (device: string, addresses: readonly string[]): string[] =>
  addresses.map((address) => `address add ${address}/${address.includes(':') ? '128 nodad' : '32'} dev ${device}`);

const setFilter = async (network: Record<string, unknown> = {}, metadata = true): Promise<void> => {
  const config = { ...CONFIG, metadata, network: { ...CONFIG.network, ...network } };
  await putFilter(machine, { config, ports: PORTS, bridge: BRIDGE });
  // As libvirt translates.
  await runLines(
    machine,
    'nft add table ip translation',
    "nft 'add chain ip translation out { type nat hook postrouting priority 100; }'",
    `nft add rule ip translation out ip saddr ${CIDR} oifname lan0 masquerade`,
  );
};

beforeAll(async () => {
  dir = await makeTempDir('guest-reach');
  machine = await startMachine(dir.path);
  const ipIn = (netns: string, lines: readonly string[]): string[] => lines.map((line) => `ip -n ${netns} ${line}`);
  await runLines(
    machine,
    'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1',
    `ip link add ${BRIDGE} address ${HOST.mac} type bridge`,
    `ip address add ${HOST.address}/24 dev ${BRIDGE}`,
    `ip address add ${HOST.address6}/64 dev ${BRIDGE} nodad`,
    `ip link set ${BRIDGE} up`,
    ...['router', 'host-2'].map((netns) => `ip netns add ${netns}`),
    'ip link add lan0 up type bridge',
    ...['router', 'host-2'].flatMap((netns) => [
      `ip link add to-${netns} master lan0 up type veth peer name eth0 netns ${netns}`,
      ...ipIn(netns, [
        'link set lo up',
        'link set eth0 up',
        'route add 192.0.2.0/24 dev eth0',
        'route add 2001:db8:1::/64 dev eth0',
      ]),
    ]),
    'ip address add 192.0.2.2/24 dev lan0',
    'ip address add 2001:db8:1::2/64 dev lan0 nodad',
    'ip address add 192.0.2.3/32 dev lan0',
    `ip address add 169.254.169.254/32 dev ${BRIDGE} scope link`,
    'ip route add default via 192.0.2.1',
    'ip -6 route add default via 2001:db8:1::1',
    ...ipIn('router', addAddresses('eth0', ADDRESSES.router)),
    ...ipIn('host-2', addAddresses('eth0', ADDRESSES.other)),
    // They know the way to guests, as hosts of a routed network do.
    ...['router', 'host-2'].flatMap((netns) =>
      ipIn(netns, [`route add ${CIDR} via 192.0.2.2`, `-6 route add ${CIDR6} via 2001:db8:1::2`]),
    ),
  );
  for (const { wire, address, block } of [
    { ...guest, block: 'fd00:45::10:f' },
    { ...neighbour, block: 'fd00:45::10:1f' },
    { wire: stranger, address: stranger.address, block: 'fd00:45::77' },
  ]) {
    await layWire(machine, wire, BRIDGE);
    await runLines(
      machine,
      // It has the link-local address of its MAC, as guests have.
      ...ipIn(wire.netns, ['link set eth0 down', 'link set eth0 addrgenmode eui64']),
      // An address cannot be used while its duplicates are still looked for, which takes a second or two.
      `ip netns exec ${wire.netns} sysctl -qw net.ipv6.conf.eth0.accept_dad=0`,
      ...ipIn(wire.netns, [
        'link set eth0 up',
        `address add ${address}/24 dev eth0`,
        `address add ${block}/64 dev eth0 nodad`,
        `route add default via ${HOST.address}`,
        `-6 route add default via ${HOST.address6}`,
      ]),
    );
  }
  await serve([], [PORT, 53, 80]);
  for (const netns of ['router', 'host-2', guest.wire.netns, neighbour.wire.netns]) await serve(inNetns(netns), [PORT]);
  await setFilter();
});
afterAll(async () => {
  await machine[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

const OF_HOST = [HOST.address, HOST.address6, '192.0.2.2', '2001:db8:1::2', '169.254.169.254'];
const ATTACHED = ['192.0.2.1', '192.0.2.10', '2001:db8:1::1', '2001:db8:1::10'];
const SERVERS = ['198.51.100.5', '198.51.100.6'];
const DENIED = ['198.51.100.70', '2001:db8:7::70', '169.254.169.253'];
const INTERNET = ['203.0.113.10', '2001:db8:9::10'];
const NEIGHBOUR = [neighbour.address, 'fd00:45::10:1f'];
const ALLOWED = ['198.51.100.71', '192.0.2.11', '192.0.2.3'];

test('a guest reaches the internet, its neighbours and what is allowed, and of the host DNS and metadata', async () => {
  const open = [...INTERNET, ...NEIGHBOUR, ...ALLOWED].flatMap((address) => [tcp(address), udp(address)]);
  const services = [
    ...[HOST.address, HOST.address6].flatMap((address) => [tcp(address, 53), udp(address, 53)]),
    tcp('169.254.169.254', 80),
  ];
  expect(await probeByGuest([...open, ...services])).toEqual([...open, ...services]);
});

test('a guest reaches nothing else: not the host, nor its networks, nor etcd and Placement, nor what is denied', async () => {
  const closed = [...OF_HOST, ...ATTACHED, ...SERVERS, ...DENIED].flatMap((address) => [tcp(address), udp(address)]);
  const services = [tcp('192.0.2.2', 53), tcp(HOST.address, 80), tcp('169.254.169.254', 53), udp('2001:db8:1::2', 53)];
  expect(await probeByGuest([...closed, ...services])).toEqual([]);
});

test('the same with metadata off, but for metadata', async () => {
  await setFilter({}, false);
  expect(await probeByGuest([tcp('169.254.169.254', 80), tcp(HOST.address, 53)])).toEqual([tcp(HOST.address, 53)]);
  await setFilter();
});

test('guests that are routers reach no more', async () => {
  await setFilter({ filter: 'reach' }, false);
  expect(await probeByGuest([...OF_HOST, ...ATTACHED, ...SERVERS, ...DENIED].map((address) => tcp(address)))).toEqual(
    [],
  );
  expect(await probeByGuest(INTERNET.map((address) => tcp(address)))).toHaveLength(2);
  await setFilter();
});

test('a guest answers who has opened a connection to it: its host, and from where it may not reach', async () => {
  const addresses = [guest.address, 'fd00:45::10:f'];
  const targets = addresses.flatMap((address) => [tcp(address), udp(address)]);
  expect(await probe([], targets)).toEqual(targets);
  expect(await probe(inNetns('host-2'), targets)).toEqual(targets);
});

test('who is plugged in without being a guest reaches nothing, not even the host’s DNS', async () => {
  const targets = [tcp(HOST.address, 53), udp(HOST.address6, 53), tcp('203.0.113.10'), tcp(guest.address)];
  expect(await probeByGuest(targets, stranger.netns)).toEqual([]);
});

test('without the filter, all of it is reached', async () => {
  await runLines(machine, 'nft flush ruleset');
  const targets = [...OF_HOST, ...ATTACHED, ...SERVERS, '198.51.100.70']
    .filter((address) => !address.startsWith('169'))
    .map((address) => tcp(address));
  // Answers find their way without being translated: the others know it.
  expect(await probeByGuest(targets)).toEqual(targets);
});
