import type { InstanceView } from '@etcd-compute/cloud/instances/view';
import { isIPv6 } from 'node:net';
import { portIdOf } from './ids.js';
import { newNetwork, subnetOf, type CloudNetwork, type NetworkView } from './networks.js';

/** An interface of a server. Pure. */
export interface Port {
  readonly id: string;
  readonly network: CloudNetwork;
  /** Lower case. */
  readonly mac: string;
  /** In the order in which they were found. */
  readonly addresses: readonly {
    readonly address: string;
    readonly version: 4 | 6;
    /** Null where others than the agents give out addresses. */
    readonly subnet: string | null;
  }[];
  /** The server. */
  readonly device: string;
  readonly project: string;
  readonly host: string | null;
  readonly status: 'ACTIVE' | 'DOWN';
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
}

type PortMembers = Pick<
  InstanceView,
  'instance' | 'project' | 'host' | 'hostName' | 'state' | 'nics' | 'createdAt' | 'updatedAt'
>;

/** The ports of a server, in the order of its interfaces. An interface has a port as soon as it has a MAC address. */
export const portsOf = (view: NetworkView, instance: PortMembers): Port[] =>
  (instance.nics ?? []).flatMap(({ network: name, mac, addresses }) => {
    if (mac === null) return [];
    const network = view.named(name) ?? newNetwork(name);
    return [
      {
        id: portIdOf(instance.instance, name),
        network,
        mac: mac.toLowerCase(),
        addresses: addresses.map((address) => ({
          address,
          version: isIPv6(address) ? (6 as const) : (4 as const),
          subnet: subnetOf(network, address)?.id ?? null,
        })),
        device: instance.instance,
        project: instance.project ?? '',
        host: instance.hostName ?? instance.host,
        status: instance.state === 'active' ? ('ACTIVE' as const) : ('DOWN' as const),
        createdAt: instance.createdAt,
        updatedAt: instance.updatedAt,
      },
    ];
  });

/** As the answer to `GET /servers/ID` has it. https://docs.openstack.org/api-ref/compute/#show-server-details */
export interface ServerAddress {
  readonly addr: string;
  readonly version: 4 | 6;
  readonly 'OS-EXT-IPS:type': 'fixed';
  readonly 'OS-EXT-IPS-MAC:mac_addr': string;
}

/** The addresses of a server, by the names of its networks. */
export const addressesOf = (instance: Pick<InstanceView, 'nics'>): Readonly<Record<string, readonly ServerAddress[]>> =>
  Object.fromEntries(
    (instance.nics ?? []).flatMap(({ network, mac, addresses }) => {
      if (mac === null || addresses.length === 0) return [];
      const rendered = addresses.map((addr): ServerAddress => ({
        addr,
        version: isIPv6(addr) ? 6 : 4,
        'OS-EXT-IPS:type': 'fixed',
        'OS-EXT-IPS-MAC:mac_addr': mac.toLowerCase(),
      }));
      return [[network, rendered]];
    }),
  );
