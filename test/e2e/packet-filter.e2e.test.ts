/** The rules of the packet filter, tried with every kind of frame that a hostile guest may send. */
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  advert,
  ALL_NODES,
  arpFrame,
  dhcpFrame,
  FRAGMENTS,
  frame4,
  frame6,
  LEGAL,
  LIES,
  toAll,
  words,
  type Case,
} from './frame-cases.js';
import { BROADCAST, ethernet, ipv4, tagged, udp } from './frames.js';
import { layWire, listen, putFilter, runLines, send, sendApart, type Place, type Wire } from './guest-wires.js';
import { startMachine, type Machine } from './machine.js';
import { CIDR, CIDR6, HOST, liar, other, PORTS, stranger } from './wired-guests.js';

const BRIDGE = 'guests0';
const OTHER_BRIDGE = 'lan0';
const config = { network: { cidr: CIDR, cidr6: CIDR6 }, bridge: OTHER_BRIDGE };

let dir: TempDir;
let machine: Machine;

beforeAll(async () => {
  dir = await makeTempDir('packet-filter');
  machine = await startMachine(dir.path);
  await runLines(
    machine,
    `ip link add ${BRIDGE} address ${HOST.mac} type bridge`,
    `ip address add ${HOST.address}/24 dev ${BRIDGE}`,
    `ip address add ${HOST.address6}/64 dev ${BRIDGE} nodad`,
    `ip link set ${BRIDGE} up`,
    `ip link add ${OTHER_BRIDGE} up type bridge`,
  );
  for (const wire of [liar.wire, other.wire, stranger]) await layWire(machine, wire, BRIDGE);
  for (const wire of [liar.second, other.second]) await layWire(machine, wire, OTHER_BRIDGE);
  await putFilter(machine, { config, ports: PORTS, bridge: BRIDGE });
});
afterAll(async () => {
  await machine[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

/** Broadcast, so that all hear it, and as legal as can be. */
const separatorOf =
  ({ mac, address }: { mac: string; address: string }) =>
  (said: Buffer): Buffer =>
    ethernet(
      { to: BROADCAST, from: mac, type: 0x08_00 },
      ipv4({ from: address, to: '255.255.255.255', protocol: 17 }, udp(9, 9, said)),
    );

const placeOf = ({ netns }: Wire): Place => ({ name: netns.replace(/-lan$/, ''), netns, device: 'eth0' });
const AT_HOST: Place = { name: 'host', device: BRIDGE };

/** Sends the frames of the cases by a wire. @returns where each arrived, by its name. */
const tryAll = async (
  cases: readonly Case[],
  { by, at, from = liar }: { by: Wire; at: readonly Place[]; from?: { mac: string; address: string } },
): Promise<Record<string, readonly string[]>> => {
  const frames = cases.map(([, frame]) => frame);
  const arrived = await sendApart(machine, frames, { by: placeOf(by), at, separator: separatorOf(from) });
  return Object.fromEntries(cases.map(([what], index) => [what, arrived[index] ?? []]));
};
const expectedOf = (cases: readonly Case[]): Record<string, readonly string[]> =>
  Object.fromEntries(cases.map(([what, , arrivesAt]) => [what, arrivesAt]));

describe.each(['0', '1'])('on the agent’s own network, with bridge-nf-call-iptables at %s', (isCalled) => {
  test.each([
    ['each legal kind of frame arrives', isCalled === '0' ? [...LEGAL, ...FRAGMENTS] : LEGAL],
    ['no lie arrives anywhere', LIES],
  ])('%s', async (_what, cases) => {
    const folder = '/proc/sys/net/bridge';
    await runLines(
      machine,
      `for file in ${folder}/bridge-nf-call-*; do [ ! -e $file ] || echo ${isCalled} > $file; done`,
    );
    const arrived = await tryAll(cases, { by: liar.wire, at: [placeOf(other.wire), AT_HOST] });
    expect(arrived).toEqual(expectedOf(cases));
  });
});

test('who is plugged in and is no guest hears nothing from guests, and is heard by nobody', async () => {
  const last = Buffer.from('the host says the last');
  const [atStranger, atOther] = await Promise.all(
    [stranger, other.wire].map(async (wire) => listen(machine, placeOf(wire), last)),
  );
  const question = { operation: 1, senderMac: stranger.mac, sender: stranger.address, target: HOST.address } as const;
  await send(machine, placeOf(liar.wire), [...LEGAL.map(([, frame]) => frame), arpFrame({ target: HOST.address })]);
  await send(machine, placeOf(stranger), [separatorOf(stranger)(words()), arpFrame(question, { from: stranger.mac })]);
  await send(machine, AT_HOST, [separatorOf(HOST)(last)]);
  const heardFrom = async (end: typeof atStranger, { mac }: { mac: string }): Promise<unknown> =>
    (await end?.())?.filter((frame) => frame.slice(12, 24) === mac.replaceAll(':', ''));
  expect(await heardFrom(atStranger, liar)).toEqual([]);
  expect(await heardFrom(atOther, stranger)).toEqual([]);
  // To the host it tells nothing either, as a guest does who asks for it.
  const neighbours = await runLines(machine, `ip neigh show dev ${BRIDGE}`);
  expect(neighbours).toContain(liar.address);
  expect(neighbours).not.toContain(stranger.address);
});

/** Addresses there are the operator's affair. */
const ON_A_BRIDGE: readonly Case[] = [
  ['any address of IPv4', frame4({ from: '192.0.2.9' }, words(), { from: liar.second.mac }), ['other']],
  ['any address of IPv6', frame6({ from: '2001:db8::9', protocol: 17 }, words(), { from: liar.second.mac }), ['other']],
  [
    'ARP from any address',
    arpFrame({ senderMac: liar.second.mac, sender: '192.0.2.9' }, { from: liar.second.mac }),
    ['other'],
  ],
  ['another’s MAC', frame4({}, words(), { from: other.second.mac }), []],
  ['ARP from another’s MAC inside', arpFrame({ senderMac: other.second.mac }, { from: liar.second.mac }), []],
  ['an offer of DHCP', dhcpFrame({ operation: 2 }, {}, { ports: [67, 68], from: liar.second.mac }), []],
  ['an advertisement of a router', frame6({ to: ALL_NODES }, advert, { ...toAll, from: liar.second.mac }), []],
  ['VLAN 0', tagged('81000000', frame4({}, words(), { from: liar.second.mac })), []],
];

test('on a bridge of the operator’s, a guest has its own MAC, and is no DHCP server and no router', async () => {
  const from = { mac: liar.second.mac, address: '192.0.2.9' };
  const arrived = await tryAll(ON_A_BRIDGE, { by: liar.second, at: [placeOf(other.second)], from });
  expect(arrived).toEqual(expectedOf(ON_A_BRIDGE));
});

test('guests that are routers send what they like, with network.filter at reach', async () => {
  await putFilter(machine, {
    config: { network: { ...config.network, filter: 'reach' } },
    ports: PORTS,
    bridge: BRIDGE,
  });
  await runLines(
    machine,
    'for file in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $file ] || echo 0 > $file; done',
  );
  const arrived = await tryAll(LIES, { by: liar.wire, at: [placeOf(other.wire), AT_HOST] });
  // So it was the rules that stopped the lies.
  expect(Object.entries(arrived).filter(([, where]) => where.length === 0)).toEqual([]);
});
