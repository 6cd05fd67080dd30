import { BlockList, isIPv6 } from 'node:net';
import { networkIdOf, subnetIdOf } from './ids.js';

/*
 * The networks of a cloud are those that its hosts have, by name: two hosts with a network `ecompute` make one network. A subnet is what
 * hosts give out on it: hosts with the same CIDR make one subnet, though each of them has the addresses to itself. Pure.
 */

/** What a host's agent says of its networks. */
export interface HostNetworks {
  readonly networks: readonly string[];
  readonly subnets: readonly {
    readonly network: string;
    readonly cidr: string;
    readonly gateway: string;
    readonly first: string;
    readonly last: string;
  }[];
}

export interface Subnet {
  readonly id: string;
  readonly network: CloudNetwork;
  readonly version: 4 | 6;
  readonly cidr: string;
  readonly gateway: string;
  readonly first: string;
  readonly last: string;
  /** How many hosts have it now. */
  readonly hosts: number;
}

export interface CloudNetwork {
  readonly id: string;
  readonly name: string;
  /** How many hosts have it now. */
  readonly hosts: number;
  readonly subnets: readonly Subnet[];
}

export interface NetworkView {
  /** In the order of their names. */
  readonly list: readonly CloudNetwork[];
  readonly get: (id: string) => CloudNetwork | undefined;
  readonly named: (name: string) => CloudNetwork | undefined;
}

export const viewOfNetworks = (hosts: Iterable<HostNetworks>): NetworkView => {
  const counts = new Map<string, number>();
  const subnets = new Map<string, Map<string, { hosts: number } & HostNetworks['subnets'][number]>>();
  for (const host of hosts) {
    for (const name of host.networks) counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const subnet of host.subnets) {
      const ofNetwork = subnets.get(subnet.network) ?? new Map<string, never>();
      const known = ofNetwork.get(subnet.cidr);
      subnets.set(subnet.network, ofNetwork.set(subnet.cidr, { ...subnet, hosts: (known?.hosts ?? 0) + 1 }));
    }
  }
  const list = [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hosts]) => {
      const own: Subnet[] = [];
      const network: CloudNetwork = { ...newNetwork(name), hosts, subnets: own };
      for (const { cidr, gateway, first, last, hosts: having } of subnets.get(name)?.values() ?? []) {
        const version = isIPv6(gateway) ? 6 : 4;
        own.push({ id: subnetIdOf(name, cidr), network, version, cidr, gateway, first, last, hosts: having });
      }
      own.sort((a, b) => a.version - b.version || (a.cidr < b.cidr ? -1 : 1));
      return network;
    });
  const byId = new Map(list.map((network) => [network.id, network]));
  const byName = new Map(list.map((network) => [network.name, network]));
  return { list, get: (id) => byId.get(id), named: (name) => byName.get(name) };
};

/** One that no host has now. */
export const newNetwork = (name: string): CloudNetwork => ({ id: networkIdOf(name), name, hosts: 0, subnets: [] });

/** The subnet that an address is of; undefined where others than the agents give out addresses. */
export const subnetOf = ({ subnets }: CloudNetwork, address: string): Subnet | undefined =>
  subnets.find((subnet) => isIn(subnet, address));

const isIn = ({ cidr, version }: Subnet, address: string): boolean => {
  if (isIPv6(address) !== (version === 6)) return false;
  const [base = '', prefix] = cidr.split('/');
  const block = new BlockList();
  block.addSubnet(base, Number(prefix), version === 6 ? 'ipv6' : 'ipv4');
  return block.check(address, version === 6 ? 'ipv6' : 'ipv4');
};
