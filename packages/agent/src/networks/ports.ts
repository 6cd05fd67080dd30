import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { hasMark } from '../domains/domain.js';
import { hostNetworksOf, type NetworksConfig } from './host-networks.js';
import { readNics } from './nics.js';

/** The host's end of a guest's interface, and the addresses that the guest may use there. */
export interface GuestPort {
  readonly name: string;
  readonly instance: InstanceUuid;
  readonly mac: string;
  /** Known on the managed network only. */
  readonly address?: string;
}

/**
 * The ports of a domain that an agent made; none for other domains. An interface on the managed network whose MAC is not in the plan has no
 * address there, so it is left out, and its port stays closed.
 */
export const portsOf = (xml: string, config: NetworksConfig): GuestPort[] => {
  const domain = parseDomain(xml);
  const instance = instanceUuidSchema.safeParse(domain.uuid);
  if (!instance.success || !hasMark(domain.metadata ?? [])) return [];
  const networks = new Map(hostNetworksOf(config).map((network) => [network.name, network]));
  return readNics(domain, config).flatMap(({ port, network: name, mac, address }): GuestPort[] => {
    const network = networks.get(name);
    if (port === undefined || !network || (network.plan && address === undefined)) return [];
    return [{ name: port, instance: instance.data, mac, ...(address !== undefined && { address }) }];
  });
};
