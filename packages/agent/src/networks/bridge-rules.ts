import { BLOCK_MASK } from './ipv6-plan.js';
import type { Chain } from './nft-table.js';

/**
 * What may leave a guest's port: frames with the guest's own MAC and addresses, and nothing that only a router or a DHCP server says. What a
 * rule does not name does not pass: in other protocols an IP packet can hide, as it does behind a VLAN tag with number 0.
 *
 *   a port of the managed network -> MAC -> ARP, IPv4 or IPv6 -> own address -> no server's or router's message -> marked
 *   a port of another bridge      -> MAC -> the same, without the addresses
 *   any other port of the managed network: its frames have no mark, so the host drops them, and guests' ports do not get them
 *
 * Four things to know when a rule is changed:
 * - A rule that looks into a packet too short for it does not match. So a rule that lets pass names what it wants; a rule that drops would be passed by.
 * - Fragments but the first have no ports and types. They pass when their address is right: without the first they are nothing.
 * - nft makes one comparison of two `!=` of neighbouring fields in a rule: it then matches when either differs.
 * - All of it is stateless and does without `meta ibrname`: some kernels have no connection tracking on bridges, and not that either.
 */

/** On the way from a guest's port to the host's own stack, a frame that was let pass has this mark. The host takes it off. */
export const MARK = '0x40000000';

const PORT_AND_MAC = 'iifname . ether saddr';
/** Offsets are in bits, from the UDP header. BOOTP's ciaddr, giaddr and chaddr: RFC 2131, 2. */
export const DHCP_CIADDR = '@th,160,32';
const DHCP_GIADDR = '@th,256,32';
export const DHCP_CHADDR = '@th,288,48';
/** op, htype and hlen of a client with an Ethernet MAC. */
const DHCP_IS_CLIENT = '@th,64,24 0x010106';
/** The target of a neighbour solicitation or advertisement: RFC 4861, 4.3. */
export const ND_TARGET = '@th,64,128';
/** Message types from 12 on are those of relays: RFC 8415, 7.3. */
const DHCP6_IS_CLIENT = '@th,64,8 < 12';

export const BRIDGE_CHAINS: Readonly<Record<string, Chain>> = {
  prerouting: {
    hook: 'type filter hook prerouting priority -300; policy accept;',
    rules: ['iifname @ports goto from-guest', 'iifname @other-ports goto from-elsewhere'],
  },
  /** Guests' neighbours are guests. Nobody but the host serves DHCP, so nobody else need hear who asks. */
  forward: {
    hook: 'type filter hook forward priority -200; policy accept;',
    rules: [
      'iifname @ports udp dport { 67, 547 } drop',
      'iifname @ports oifname @ports accept',
      'iifname @ports drop',
      'oifname @ports drop',
    ],
  },
  /** A bridge sends what is for an unknown MAC to every port. */
  postrouting: {
    hook: 'type filter hook postrouting priority -200; policy accept;',
    rules: ['oifname @ports ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 oifname . ether daddr != @macs drop'],
  },
  'from-guest': {
    rules: [
      `${PORT_AND_MAC} != @macs drop`,
      `meta mark set meta mark | ${MARK}`,
      'ether type vmap { arp : goto guest-arp, ip : goto guest-ip, ip6 : goto guest-ip6 }',
      'drop',
    ],
  },
  'guest-arp': {
    rules: [
      'arp htype 1 arp ptype ip arp hlen 6 arp plen 4 iifname . arp saddr ether . arp saddr ip @addresses accept',
      // Who asks whether an address is free has none yet.
      'arp htype 1 arp ptype ip arp hlen 6 arp plen 4 arp operation request iifname . arp saddr ether @macs arp saddr ip 0.0.0.0 accept',
      'drop',
    ],
  },
  'guest-ip': {
    rules: ['udp dport 67 goto guest-dhcp', `${PORT_AND_MAC} . ip saddr @addresses goto no-dhcp-server`, 'drop'],
  },
  'guest-dhcp': {
    rules: [`ip saddr 0.0.0.0 goto dhcp-client`, `${PORT_AND_MAC} . ip saddr @addresses goto dhcp-client`, 'drop'],
  },
  /** A client speaks for itself alone: another's lease cannot be declined or given back. */
  'dhcp-client': {
    rules: [
      `udp sport 68 ${DHCP_IS_CLIENT} ${DHCP_GIADDR} 0 iifname . ${DHCP_CIADDR} . ${DHCP_CHADDR} @dhcp-clients accept`,
      'drop',
    ],
  },
  'no-dhcp-server': {
    rules: [
      'ip frag-off & 0x1fff != 0 accept',
      'meta l4proto != { udp, igmp } accept',
      'udp sport != 67 accept',
      // Who asks for groups is the bridge's querier, and hears all of them.
      'igmp type != membership-query accept',
      'drop',
    ],
  },
  'guest-ip6': {
    rules: [
      `ip6 saddr :: goto guest-without-ip6`,
      `${PORT_AND_MAC} . ip6 saddr @link-locals goto guest-with-ip6`,
      `${PORT_AND_MAC} . ip6 saddr & ${BLOCK_MASK} @blocks goto guest-with-ip6`,
      'drop',
    ],
  },
  /** Is an address of mine free? Who routes? These groups I want. */
  'guest-without-ip6': {
    rules: [
      'icmpv6 type nd-neighbor-solicit goto nd-target',
      'icmpv6 type { nd-router-solicit, mld-listener-report, mld-listener-done, mld2-listener-report } accept',
      'drop',
    ],
  },
  'guest-with-ip6': {
    rules: ['icmpv6 type nd-neighbor-advert goto nd-target', 'goto no-ip6-server'],
  },
  'nd-target': {
    rules: [
      `iifname . ${ND_TARGET} @nd-targets accept`,
      `iifname . ${ND_TARGET} & 0x${'f'.repeat(31)}0 @nd-blocks accept`,
      'drop',
    ],
  },
  'no-ip6-server': {
    rules: [
      'frag frag-off != 0 accept',
      'meta l4proto != { udp, ipv6-icmp } accept',
      'icmpv6 type != { nd-router-advert, nd-redirect, mld-listener-query } accept',
      'udp dport 547 goto dhcp6-client',
      'udp sport != 547 accept',
      'drop',
    ],
  },
  'dhcp6-client': { rules: [`udp sport != 547 ${DHCP6_IS_CLIENT} accept`, 'drop'] },
  'from-elsewhere': {
    rules: [
      `${PORT_AND_MAC} != @macs drop`,
      'ether type ip goto no-dhcp-server',
      'ether type ip6 goto no-ip6-server',
      'arp htype 1 iifname . arp saddr ether @macs accept',
      'drop',
    ],
  },
};
