import ipaddr from 'ipaddr.js';
import type { NetworkPlan } from './address-plan.js';
import { BRIDGE_CHAINS, DHCP_CHADDR, DHCP_CIADDR, ND_TARGET } from './bridge-rules.js';
import { blocksOf, linkLocalOf } from './ipv6-plan.js';
import type { Table } from './nft-table.js';
import type { GuestPort } from './ports.js';

const numberOfMac = (mac: string): bigint => BigInt(`0x${mac.replaceAll(':', '')}`);
const numberOf = (address: string): bigint =>
  ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);

export interface Addressing {
  /** Missing: somebody else manages the network. */
  readonly plan: NetworkPlan | undefined;
  readonly cidr6: string | undefined;
}

/** The bridge table, with elements for these ports. */
export const bridgeTable = (name: string, ports: readonly GuestPort[], { plan, cidr6 }: Addressing): Table => {
  const guests = ports.flatMap(({ name, mac, address }) => (address === undefined ? [] : [{ name, mac, address }]));
  const others = ports.filter(({ address }) => address === undefined);
  const blockOf = cidr6 === undefined || plan === undefined ? undefined : blocksOf(cidr6, plan);
  const blocks = blockOf ? guests.map((guest) => ({ ...guest, block: blockOf(guest.address) })) : [];
  return {
    family: 'bridge',
    name,
    sets: {
      ports: { definition: 'type ifname;', elements: guests.map((port) => [port.name]) },
      'other-ports': { definition: 'type ifname;', elements: others.map((port) => [port.name]) },
      macs: { definition: 'type ifname . ether_addr;', elements: ports.map(({ name, mac }) => [name, mac]) },
      addresses: {
        definition: 'type ifname . ether_addr . ipv4_addr;',
        elements: guests.map(({ name, mac, address }) => [name, mac, address]),
      },
      'dhcp-clients': {
        definition: `typeof iifname . ${DHCP_CIADDR} . ${DHCP_CHADDR};`,
        elements: guests.flatMap(({ name, mac, address }) =>
          [0n, numberOf(address)].map((ciaddr) => [name, ciaddr, numberOfMac(mac)]),
        ),
      },
      'link-locals': {
        definition: 'type ifname . ether_addr . ipv6_addr;',
        elements: guests.map(({ name, mac }) => [name, mac, linkLocalOf(mac)]),
      },
      blocks: {
        definition: 'type ifname . ether_addr . ipv6_addr;',
        elements: blocks.map(({ name, mac, block }) => [name, mac, block]),
      },
      'nd-targets': {
        definition: `typeof iifname . ${ND_TARGET};`,
        elements: guests.map(({ name, mac }) => [name, numberOf(linkLocalOf(mac))]),
      },
      'nd-blocks': {
        definition: `typeof iifname . ${ND_TARGET};`,
        elements: blocks.map(({ name, block }) => [name, numberOf(block)]),
      },
    },
    chains: BRIDGE_CHAINS,
  };
};
