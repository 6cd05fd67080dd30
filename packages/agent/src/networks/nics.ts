import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { DomainSpec } from '@etcd-compute/libvirt/xml/domain';
import { addressOfMac, macOfAddress, macOfInstance } from './address-plan.js';
import { hostNetworksOf, nameOfSource, type NetworksConfig } from './host-networks.js';
import { portNameOf, slotOfPort } from './port-names.js';

/** An interface of a guest: what its domain, its config drive, its metadata, its leases and the packet filter all go by. */
export interface Nic {
  /** Counts the interfaces of one guest, from 0 to 35. It never changes: the MAC and the name of the port may be made from it. */
  readonly slot: number;
  /** `ecompute` is a libvirt network, `bridge:br0` a bridge of the host. */
  readonly network: string;
  /** Lower case. */
  readonly mac: string;
  /** Known in advance on a network that the agent manages. */
  readonly address?: string;
  /** Somebody gives out IPv6 addresses there. */
  readonly hasDhcp6?: true;
  /** The host's end of it. Missing: libvirt gives it a name when the guest starts. */
  readonly port?: string;
}

/**
 * The interfaces that an instance is to have. Pure.
 *
 * @param addressOn the address that is reserved for it on a network that the agent manages.
 */
export const planNics = (
  { instance }: { readonly instance: InstanceUuid },
  config: NetworksConfig,
  addressOn: (network: string) => string | undefined,
): Nic[] =>
  hostNetworksOf(config).map(({ name, cidr6 }, slot) => {
    const address = addressOn(name);
    const mac = address === undefined ? macOfInstance(instance, slot) : macOfAddress(address);
    return {
      slot,
      network: name,
      mac,
      port: portNameOf(instance, slot),
      ...(address !== undefined && { address }),
      ...(cidr6 !== undefined && { hasDhcp6: true }),
    };
  });

/** The interfaces that a domain has, whoever made it and with whatever config. Pure. */
export const readNics = ({ interfaces }: Pick<DomainSpec, 'interfaces'>, config: NetworksConfig): Nic[] => {
  const networks = new Map(hostNetworksOf(config).map((network) => [network.name, network]));
  return interfaces.map((entry, index) => {
    const network = nameOfSource(entry);
    const { plan, cidr6 } = networks.get(network) ?? {};
    const mac = entry.mac.toLowerCase();
    const address = plan && addressOfMac(mac, plan);
    return {
      slot: slotOfPort(entry.targetDev ?? '') ?? index,
      network,
      mac,
      ...(entry.targetDev !== undefined && { port: entry.targetDev }),
      ...(address !== undefined && { address }),
      ...(cidr6 !== undefined && { hasDhcp6: true }),
    };
  });
};
