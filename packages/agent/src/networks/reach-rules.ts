import type { Table } from './nft-table.js';
import { MARK } from './bridge-rules.js';

/**
 * What guests of the managed network may reach beyond each other.
 *
 *   a packet from the bridge without the bridge's mark  did not come from a guest's port: drop
 *   a reply in a connection that was opened to a guest  accept
 *   to the host    accept DHCP, DNS, metadata and allowed addresses; drop the rest
 *   to elsewhere   accept allowed addresses; drop denied ones; accept the rest
 *
 * `accept` ends these chains only: the host's own firewall and libvirt's rules can still drop the packet.
 */
export interface ReachOptions {
  readonly table: string;
  readonly bridge: string;
  /** The host's addresses on the bridge, where it serves DNS. */
  readonly gateways: readonly string[];
  /** Where it serves metadata. */
  readonly metadataAddress: string | undefined;
  /** The bridge table marks the frames of guests. */
  readonly hasMarks: boolean;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

const isIpv6 = (cidr: string): boolean => cidr.includes(':');

const familyOf = (address: string): 'ip' | 'ip6' => (isIpv6(address) ? 'ip6' : 'ip');

/** Runs before connection tracking and everyone else's rules, so that nobody else sees the mark. */
const unmarkedChain = (bridge: string) => ({
  hook: 'type filter hook prerouting priority -310; policy accept;',
  rules: [
    `iifname != "${bridge}" accept`,
    `meta mark & ${MARK} == 0 drop`,
    `meta mark set meta mark & ${(~BigInt(MARK) & 0xff_ff_ff_ffn).toString()}`,
  ],
});

const IS_ANSWER = 'ct direction reply ct state established,related accept';
const ALLOWED = ['ip daddr @allow accept', 'ip6 daddr @allow6 accept'];

const cidrSets = (cidrs: readonly string[], name: string) => ({
  [name]: {
    definition: 'type ipv4_addr; flags interval;',
    elements: cidrs.filter((cidr) => !isIpv6(cidr)).map((cidr) => [cidr]),
  },
  [`${name}6`]: {
    definition: 'type ipv6_addr; flags interval;',
    elements: cidrs.filter(isIpv6).map((cidr) => [cidr]),
  },
});

/** `allow` and `deny` must not contain networks that overlap within one list. */
export const reachTable = ({
  table,
  bridge,
  gateways,
  metadataAddress,
  hasMarks,
  allow,
  deny,
}: ReachOptions): Table => ({
  family: 'inet',
  name: table,
  sets: { ...cidrSets(allow, 'allow'), ...cidrSets(deny, 'deny') },
  chains: {
    ...(hasMarks && { prerouting: unmarkedChain(bridge) }),
    input: {
      hook: 'type filter hook input priority -10; policy accept;',
      rules: [
        `iifname != "${bridge}" accept`,
        IS_ANSWER,
        ...ALLOWED,
        'meta nfproto ipv4 udp dport 67 accept',
        'meta nfproto ipv6 udp dport 547 accept',
        ...gateways.map(
          (gateway) => `${familyOf(gateway)} daddr ${gateway} meta l4proto { tcp, udp } th dport 53 accept`,
        ),
        ...(metadataAddress === undefined ? [] : [`ip daddr ${metadataAddress} tcp dport 80 accept`]),
        'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept',
        'drop',
      ],
    },
    forward: {
      hook: 'type filter hook forward priority -10; policy accept;',
      rules: [
        `iifname != "${bridge}" accept`,
        // From guest to guest: with bridge-nf-call-iptables, bridged packets pass these rules too.
        `oifname "${bridge}" accept`,
        IS_ANSWER,
        ...ALLOWED,
        'ip daddr @deny drop',
        'ip6 daddr @deny6 drop',
      ],
    },
  },
});

/** ARP does not pass the inet table. An unknown port must not change the host's neighbours. */
export const arpTable = ({ table, bridge }: Pick<ReachOptions, 'table' | 'bridge'>): Table => ({
  family: 'arp',
  name: table,
  sets: {},
  chains: {
    input: {
      hook: 'type filter hook input priority -10; policy accept;',
      rules: [`iifname "${bridge}" meta mark & ${MARK} == 0 drop`],
    },
  },
});
