import { EcomputeError } from '@etcd-compute/common/errors';
import type { WantedNic } from '@etcd-compute/common/etcd/messages/nics';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { DomainXMLFlags } from '@etcd-compute/libvirt/constants';
import type { Domain } from '@etcd-compute/libvirt/domain';
import type { DomainSpec } from '@etcd-compute/libvirt/xml/domain';
import { addressOfMac, macOfAddress, macOfInstance } from './address-plan.js';
import { hostNetworksOf, nameOfSource, type HostNetwork, type NetworksConfig } from './host-networks.js';
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
 * The interfaces that an instance is to have: those that it asks for, or the host's default ones. Pure.
 *
 * @param addressOn the address that is reserved for it on a network that the agent manages.
 * @throws ECOMPUTE_REQUEST_INVALID when the host lacks a network.
 */
export const planNics = (
  { instance, nics }: { readonly instance: InstanceUuid; readonly nics?: readonly WantedNic[] | undefined },
  config: NetworksConfig,
  addressOn: (network: string) => string | undefined,
): Nic[] => {
  const networks = hostNetworksOf(config);
  const wanted =
    nics ?? networks.filter(({ isDefault }) => isDefault).map(({ name }, slot) => ({ slot, network: name }));
  return wanted.map(({ slot, network }) => {
    const found = networks.find(({ name }) => name === network);
    if (!found) throw unknownNetwork(instance, { network, networks });
    const address = addressOn(network);
    const mac = address === undefined ? macOfInstance(instance, slot) : macOfAddress(address);
    return { slot, network, mac, port: portNameOf(instance, slot), ...whatIsGiven(found, address) };
  });
};

const whatIsGiven = (
  { cidr6 }: Pick<HostNetwork, 'cidr6'>,
  address: string | undefined,
): Pick<Nic, 'address' | 'hasDhcp6'> => ({
  ...(address !== undefined && { address }),
  ...(cidr6 !== undefined && { hasDhcp6: true }),
});

const unknownNetwork = (
  instance: InstanceUuid,
  { network, networks }: { readonly network: string; readonly networks: readonly HostNetwork[] },
): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_REQUEST_INVALID',
    `instance ${instance} wants the network '${network}', and this host has ${networks.map(({ name }) => name).join(', ')}`,
    { retryable: true, hint: 'networks and bridges are set in compute.yaml' },
  );

/** The XML of a domain as it runs and as it is defined: an interface that comes or goes is in one of them first. */
export const readBothXmls = async (domain: Pick<Domain, 'getXMLDesc' | 'isActive'>): Promise<string[]> => {
  const definition = await domain.getXMLDesc(DomainXMLFlags.INACTIVE);
  return (await domain.isActive()) ? [await domain.getXMLDesc(), definition] : [definition];
};

/** The interfaces that a domain has, whoever made it and with whatever config. Pure. */
export const readNics = ({ interfaces }: Pick<DomainSpec, 'interfaces'>, config: NetworksConfig): Nic[] => {
  const networks = new Map<string, Partial<HostNetwork>>(
    hostNetworksOf(config).map((network) => [network.name, network]),
  );
  return interfaces.map((entry, index) => {
    const network = nameOfSource(entry);
    const known = networks.get(network) ?? {};
    const mac = entry.mac.toLowerCase();
    const address = known.plan && addressOfMac(mac, known.plan);
    return {
      slot: slotOfPort(entry.targetDev ?? '') ?? index,
      network,
      mac,
      ...(entry.targetDev !== undefined && { port: entry.targetDev }),
      ...whatIsGiven(known, address),
    };
  });
};
