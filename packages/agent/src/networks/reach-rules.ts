import type { Table } from './nft-table.js';
import { MARK } from './bridge-rules.js';

/**
 * What guests of the managed network may reach, beyond each other: of the host DHCP, DNS and the metadata address, and elsewhere what is not denied.
 *
 *   from the bridge, without the bridge's mark: from no guest's port, dropped
 *   an answer in a connection that was opened to the guest: passes
 *   to the host: DHCP, DNS, metadata, and addresses that are allowed
 *   to others:   what is allowed, then not what is denied, then the rest
 *
 * To let pass here is not to overrule: what the host's own firewall or libvirt's rules drop is dropped.
 */
export interface ReachOptions {
  readonly table: string;
  readonly bridge: string;
  /** The host's addresses on the bridge, where it serves DNS. */
  readonly gateways: readonly string[];
  /** Where it serves metadata. */
  readonly metadataAddress: string | undefined;
  /** The bridge says which frames are of guests. */
  readonly hasMarks: boolean;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

const isIpv6 = (cidr: string): boolean => cidr.includes(':');

const familyOf = (address: string): 'ip' | 'ip6' => (isIpv6(address) ? 'ip6' : 'ip');

/** Before connection tracking and everybody else's rules, so that nobody else sees the mark. */
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

/** @param allow, deny are networks of which none is in another of the same list. */
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
        // From guest to guest: some hosts hand what a bridge forwards to these rules too (bridge-nf-call-iptables).
        `oifname "${bridge}" accept`,
        IS_ANSWER,
        ...ALLOWED,
        'ip daddr @deny drop',
        'ip6 daddr @deny6 drop',
      ],
    },
  },
});

/** ARP does not come by the other rules: who is no guest must not tell the host where guests are. */
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
