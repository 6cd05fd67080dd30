import { BLOCK_MASK } from './ipv6-plan.js';
import type { Chain } from './nft-table.js';

/*
 * The rules for frames that leave a guest's port. They accept frames with the guest's own MAC and addresses, and drop messages that only a router or a DHCP
 * server sends. They are allow lists: other protocols can hide an IP packet, as a VLAN tag with number 0 does.
 *
 *   a port of the managed network -> MAC -> ARP, IPv4 or IPv6 -> own address -> not a server's or router's message -> mark
 *   a port on another bridge      -> MAC -> the same without addresses
 *   an unknown port of the managed network: its frames get no mark, so the host drops them, and they are not forwarded to guests
 *
 * Before you change a rule:
 * - A rule that looks beyond the end of a short packet does not match. So write rules that accept what they recognise, and drop the rest.
 * - Later fragments have no ports and types. They pass when their address is right: they are useless without the first one.
 * - nft merges two `!=` on neighbouring fields into one comparison, which matches when either field differs.
 * - The rules are stateless and do not use `meta ibrname`: some kernels have neither that nor connection tracking on bridges.
 */

/** Set on accepted frames on their way to the host's own stack, which removes it. */
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
  /** Guests talk to guests only. DHCP requests go to the host only, since nobody else answers them. */
  forward: {
    hook: 'type filter hook forward priority -200; policy accept;',
    rules: [
      'iifname @ports udp dport { 67, 547 } drop',
      'iifname @ports oifname @ports accept',
      'iifname @ports drop',
      'oifname @ports drop',
    ],
  },
  /** A bridge floods frames for an unknown MAC to every port; a guest gets its own only. */
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
      // A probe for a free address has no sender address yet.
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
  /** A client cannot release or decline another client's lease. */
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
      // The bridge would take the sender for a multicast querier, and send it all groups.
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
  /** Duplicate address detection, router solicitation and multicast group membership. */
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
