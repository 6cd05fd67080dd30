/** What a guest may send on the agent's own network, and what it may try. Each frame says where it arrives. */
import {
  arp,
  bootp,
  BROADCAST,
  bytes,
  ethernet,
  fragment6,
  icmp6,
  ipv4,
  ipv6,
  neighbour,
  tagged,
  udp,
  type Arp,
  type Bootp,
  type Ip,
} from './frames.js';
import { HOST, liar, other } from './wired-guests.js';

const WORDS = Buffer.from('some words that are sent');

/** By default from the liar, as it may, to the other guest. */
export const frame4 = (ip: Partial<Ip>, payload: Buffer, { from = liar.mac, to = other.mac } = {}): Buffer =>
  ethernet({ to, from, type: 0x08_00 }, ipv4({ from: liar.address, to: other.address, protocol: 17, ...ip }, payload));
export const frame6 = (ip: Partial<Ip>, payload: Buffer, { from = liar.mac, to = other.mac } = {}): Buffer =>
  ethernet(
    { to, from, type: 0x86_dd },
    ipv6({ from: liar.linkLocal, to: other.linkLocal, protocol: 58, ...ip }, payload),
  );
export const arpFrame = (message: Partial<Arp>, { from = liar.mac, to = BROADCAST } = {}): Buffer =>
  ethernet(
    { to, from, type: 0x08_06 },
    arp({ operation: 1, senderMac: liar.mac, sender: liar.address, target: other.address, ...message }),
  );
export const dhcpFrame = (
  message: Partial<Bootp>,
  ip: Partial<Ip> = {},
  { ports: [source, target] = [68, 67], from = liar.mac }: { ports?: readonly [number, number]; from?: string } = {},
): Buffer =>
  frame4(
    { from: '0.0.0.0', to: '255.255.255.255', ...ip },
    udp(source, target, bootp({ operation: 1, client: liar.mac, ...message })),
    { from, to: BROADCAST },
  );

export const words = (from = 1234, to = 4321): Buffer => udp(from, to, WORDS);
export const toAll = { to: '33:33:00:00:00:01' };
const toHost = { to: HOST.mac };
export const ALL_NODES = 'ff02::1';
const tcpStart = Buffer.concat([bytes('04d2 10e1 00000001 00000000 5002 ffff 0000 0000')]);
const echo6 = icmp6(128, WORDS);
export const advert = icmp6(134, bytes('40 c0 0708 00000000 00000000'));

const NOBODY: string[] = [];
const GUEST = ['other'];
const ALL = ['other', 'host'];
const ONLY_HOST = ['host'];

export type Case = readonly [what: string, frame: Buffer, arrivesAt: readonly string[]];

export const LEGAL: readonly Case[] = [
  ['UDP to the other guest', frame4({}, words()), GUEST],
  ['UDP to the host', frame4({ to: HOST.address }, words(), toHost), ONLY_HOST],
  ['TCP to the other guest', frame4({ protocol: 6 }, tcpStart), GUEST],
  ['a broadcast', frame4({ to: '10.45.0.255' }, words(), { to: BROADCAST }), ALL],
  [
    'a report of IGMP',
    frame4({ protocol: 2, to: '224.0.0.251' }, bytes('16000904 e00000fb'), { to: '01:00:5e:00:00:fb' }),
    ALL,
  ],
  ['ARP for the other guest', arpFrame({}), ALL],
  ['ARP that answers', arpFrame({ operation: 2 }, { to: other.mac }), GUEST],
  ['ARP that asks whether its address is free', arpFrame({ sender: '0.0.0.0', target: liar.address }), ALL],
  ['ARP that says its own address', arpFrame({ operation: 2, target: liar.address }), ALL],
  ['a client of DHCP without an address', dhcpFrame({}), ONLY_HOST],
  ['a client of DHCP that renews', dhcpFrame({ ciaddr: liar.address }, { from: liar.address }), ONLY_HOST],
  ['IPv6 from its link-local address', frame6({}, echo6), GUEST],
  ['IPv6 from an address of its block', frame6({ from: 'fd00:45::10:f', protocol: 17 }, words()), GUEST],
  [
    'a client of DHCPv6',
    frame6({ to: 'ff02::1:2', protocol: 17 }, udp(546, 547, bytes('01123456')), { to: '33:33:00:01:00:02' }),
    ONLY_HOST,
  ],
  [
    'IPv6 that asks whether its address is free',
    frame6({ from: '::', to: ALL_NODES }, neighbour(135, liar.linkLocal, liar.mac), toAll),
    ALL,
  ],
  [
    'IPv6 that asks whether one of its block is free',
    frame6({ from: '::', to: ALL_NODES }, neighbour(135, 'fd00:45::10:f', liar.mac), toAll),
    ALL,
  ],
  [
    'a solicitation of the other guest',
    frame6({ to: ALL_NODES }, neighbour(135, other.linkLocal, liar.mac), toAll),
    ALL,
  ],
  [
    'an advertisement of its link-local address',
    frame6({ to: ALL_NODES }, neighbour(136, liar.linkLocal, liar.mac), toAll),
    ALL,
  ],
  [
    'an advertisement of an address of its block',
    frame6({ from: 'fd00:45::10:f', to: ALL_NODES }, neighbour(136, 'fd00:45::10:f', liar.mac), toAll),
    ALL,
  ],
  ['who routes here?', frame6({ to: 'ff02::2' }, icmp6(133, bytes('00000000')), { to: '33:33:00:00:00:02' }), ALL],
];

/** Where a bridge calls iptables, it holds fragments back until it has them all. */
export const FRAGMENTS: readonly Case[] = [
  ['a first fragment', frame4({ fragment: 0x20_00 }, words()), GUEST],
  ['a later fragment', frame4({ fragment: 0x00_10 }, WORDS), GUEST],
  [
    'a first fragment of IPv6',
    frame6({ protocol: 44 }, Buffer.concat([fragment6({ protocol: 17, offset: 0, isLast: false }), words()])),
    GUEST,
  ],
  [
    'a later fragment of IPv6',
    frame6({ protocol: 44 }, Buffer.concat([fragment6({ protocol: 17, offset: 64, isLast: true }), WORDS])),
    GUEST,
  ],
];

export const LIES: readonly Case[] = [
  ['another’s MAC', frame4({}, words(), { from: other.mac }), NOBODY],
  ['the host’s MAC', frame4({}, words(), { from: HOST.mac }), NOBODY],
  [
    'a MAC of nobody',
    frame4({ from: '0.0.0.0', to: '255.255.255.255' }, words(68, 67), { from: '52:54:00:12:34:56', to: BROADCAST }),
    NOBODY,
  ],
  ['another’s IPv4 address', frame4({ from: other.address, to: HOST.address }, words(), toHost), NOBODY],
  ['the host’s IPv4 address', frame4({ from: HOST.address }, words()), NOBODY],
  ['an address from elsewhere', frame4({ from: '203.0.113.7' }, words()), NOBODY],
  ['no address, and no DHCP', frame4({ from: '0.0.0.0' }, words()), NOBODY],
  ['another’s address in a later fragment', frame4({ from: other.address, fragment: 0x10 }, WORDS), NOBODY],
  ['ARP from another’s address', arpFrame({ sender: other.address }), NOBODY],
  ['ARP from another’s MAC inside', arpFrame({ senderMac: other.mac }), NOBODY],
  ['ARP from another’s MAC outside', arpFrame({}, { from: other.mac }), NOBODY],
  ['ARP that says the host’s address', arpFrame({ operation: 2, sender: HOST.address, target: HOST.address }), NOBODY],
  ['ARP that answers from no address', arpFrame({ operation: 2, sender: '0.0.0.0' }), NOBODY],
  [
    'ARP for MACs of another length',
    Buffer.concat([arpFrame({}).subarray(0, 18), bytes('08'), arpFrame({}).subarray(19)]),
    NOBODY,
  ],
  ['ARP that is cut short', arpFrame({}).subarray(0, 30), NOBODY],
  [
    'RARP',
    ethernet(
      { to: BROADCAST, from: liar.mac, type: 0x80_35 },
      arp({ operation: 2, senderMac: liar.mac, sender: '0.0.0.0', target: '0.0.0.0' }),
    ),
    NOBODY,
  ],
  [
    'an offer of DHCP',
    dhcpFrame({ operation: 2, client: other.mac }, { from: liar.address, to: other.address }, { ports: [67, 68] }),
    NOBODY,
  ],
  [
    'an offer of DHCP to all',
    dhcpFrame({ operation: 2, client: other.mac }, { from: liar.address }, { ports: [67, 68] }),
    NOBODY,
  ],
  [
    'an offer of DHCP from the server’s port to the server’s',
    dhcpFrame({ operation: 2, client: liar.mac }, { from: liar.address }, { ports: [67, 67] }),
    NOBODY,
  ],
  ['an offer of DHCP in fragments', frame4({ fragment: 0x20_00 }, udp(67, 68, Buffer.alloc(8)).subarray(0, 8)), NOBODY],
  ['a first fragment without a port', frame4({ fragment: 0x20_00 }, Buffer.alloc(0)), NOBODY],
  ['UDP that is cut short', frame4({}, bytes('0043')), NOBODY],
  ['DHCP of another client', dhcpFrame({ client: other.mac }), NOBODY],
  ['DHCP that gives back another’s address', dhcpFrame({ ciaddr: other.address }, { from: liar.address }), NOBODY],
  ['DHCP of a relay', dhcpFrame({ giaddr: liar.address }, { from: liar.address }), NOBODY],
  [
    'a question of IGMP',
    frame4({ protocol: 2, to: '224.0.0.1' }, bytes('1164ee9b 00000000'), { to: '01:00:5e:00:00:01' }),
    NOBODY,
  ],
  ['another’s link-local address', frame6({ from: other.linkLocal, to: HOST.linkLocal }, echo6, toHost), NOBODY],
  ['the host’s link-local address', frame6({ from: HOST.linkLocal }, echo6), NOBODY],
  ['a link-local address of nobody', frame6({ from: 'fe80::1' }, echo6), NOBODY],
  ['an address of another’s block', frame6({ from: 'fd00:45::10:1f', protocol: 17 }, words()), NOBODY],
  ['the host’s IPv6 address', frame6({ from: HOST.address6 }, echo6), NOBODY],
  ['an IPv6 address from elsewhere', frame6({ from: '2001:db8::7' }, echo6), NOBODY],
  ['IPv6 from no address', frame6({ from: '::' }, echo6), NOBODY],
  [
    'is another’s address free?',
    frame6({ from: '::', to: ALL_NODES }, neighbour(135, other.linkLocal, liar.mac), toAll),
    NOBODY,
  ],
  [
    'an advertisement of another’s link-local address',
    frame6({ to: ALL_NODES }, neighbour(136, other.linkLocal, liar.mac), toAll),
    NOBODY,
  ],
  ['an advertisement of the host’s link-local address', frame6({}, neighbour(136, HOST.linkLocal, liar.mac)), NOBODY],
  [
    'an advertisement of an address of another’s block',
    frame6({ to: ALL_NODES }, neighbour(136, 'fd00:45::10:1f', liar.mac), toAll),
    NOBODY,
  ],
  [
    'an advertisement of the host’s address',
    frame6({ to: ALL_NODES }, neighbour(136, HOST.address6, liar.mac), toAll),
    NOBODY,
  ],
  [
    'an advertisement that is cut short',
    frame6({ to: ALL_NODES }, neighbour(136, liar.linkLocal, liar.mac).subarray(0, 12), toAll),
    NOBODY,
  ],
  ['an advertisement of a router', frame6({ to: ALL_NODES }, advert, toAll), NOBODY],
  [
    'an advertisement of a router behind options',
    frame6({ to: ALL_NODES, protocol: 60 }, Buffer.concat([bytes('3a 00 01 04 00000000'), advert]), toAll),
    NOBODY,
  ],
  [
    'an advertisement of a router in a fragment',
    frame6(
      { to: ALL_NODES, protocol: 44 },
      Buffer.concat([fragment6({ protocol: 58, offset: 0, isLast: false }), advert]),
      toAll,
    ),
    NOBODY,
  ],
  [
    'a first fragment that ends before its protocol',
    frame6(
      { to: ALL_NODES, protocol: 44 },
      Buffer.concat([fragment6({ protocol: 60, offset: 0, isLast: false }), bytes('3a 01 01 04 00000000')]),
      toAll,
    ),
    NOBODY,
  ],
  ['a redirection', frame6({}, icmp6(137, Buffer.alloc(36))), NOBODY],
  ['a question for groups', frame6({ to: ALL_NODES }, icmp6(130, Buffer.alloc(20)), toAll), NOBODY],
  ['an answer of DHCPv6', frame6({ protocol: 17 }, udp(547, 546, bytes('07123456'))), NOBODY],
  [
    'an answer of DHCPv6 from the server’s port to the server’s',
    frame6({ protocol: 17 }, udp(547, 547, bytes('07123456'))),
    NOBODY,
  ],
  [
    'DHCPv6 of a relay',
    frame6({ to: 'ff02::1:2', protocol: 17 }, udp(546, 547, bytes('0c000000')), { to: '33:33:00:01:00:02' }),
    NOBODY,
  ],
  ['VLAN 0 before IPv4', tagged('81000000', frame4({ from: other.address }, words())), NOBODY],
  ['VLAN 0 before its own IPv4', tagged('81000000', frame4({}, words())), NOBODY],
  ['VLAN 0 before ARP', tagged('81000000', arpFrame({ sender: HOST.address })), NOBODY],
  ['VLAN 7', tagged('81000007', frame4({}, words())), NOBODY],
  ['QinQ', tagged('88a80000 81000000', frame4({ from: other.address }, words())), NOBODY],
  ['802.1ad with VLAN 0', tagged('88a80000', frame4({}, words())), NOBODY],
  [
    'SNAP',
    ethernet(
      { to: other.mac, from: liar.mac, type: 60 },
      Buffer.concat([bytes('aaaa03 000000 0800'), frame4({}, words()).subarray(14)]),
    ),
    NOBODY,
  ],
  ['PPPoE', ethernet({ to: other.mac, from: liar.mac, type: 0x88_64 }, WORDS), NOBODY],
  ['MPLS', ethernet({ to: other.mac, from: liar.mac, type: 0x88_47 }, WORDS), NOBODY],
  [
    'spanning tree',
    ethernet({ to: '01:80:c2:00:00:00', from: liar.mac, type: 39 }, bytes('424203 0000000000')),
    NOBODY,
  ],
  ['an empty frame', ethernet({ to: other.mac, from: liar.mac, type: 0x08_00 }, Buffer.alloc(0)), NOBODY],
  ['IPv4 that is cut short', frame4({}, words()).subarray(0, 24), NOBODY],
  ['IPv6 that is cut short', frame6({}, echo6).subarray(0, 30), NOBODY],
  [
    'IPv6 in a frame of IPv4',
    ethernet({ to: other.mac, from: liar.mac, type: 0x08_00 }, frame6({}, echo6).subarray(14)),
    NOBODY,
  ],
  ['to a MAC of nobody', frame4({}, words(), { to: '52:54:00:00:00:42' }), NOBODY],
];
