import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { hasMark } from '../domains/domain.js';
import { addressOfMac, type NetworkPlan } from './address-plan.js';

/** The host's end of a guest's interface, and the addresses that the guest may use there. */
export interface GuestPort {
  readonly name: string;
  readonly instance: InstanceUuid;
  readonly mac: string;
  /** Known on the managed network only. */
  readonly address?: string;
}

/**
 * The name of a guest's port. It is chosen here so that the elements can be set before the port exists. Linux allows 15 characters, and libvirt
 * ignores names that look like its own (`vnet0`).
 *
 * @param interfaceIndex counts the interfaces of one guest from 0 to 35.
 */
export const portNameOf = (instance: InstanceUuid, interfaceIndex: number): string =>
  `ec${instance.replaceAll('-', '').slice(0, 12)}${interfaceIndex.toString(36)}`;

export const isOwnPortName = (name: string): boolean => /^ec[0-9a-f]{12}[0-9a-z]$/.test(name);

export interface Networks {
  /** The libvirt network of the first interfaces. */
  readonly name: string;
  /** Missing: somebody else manages the network. */
  readonly plan?: NetworkPlan;
  /** The bridge of the second interfaces. */
  readonly bridge?: string | undefined;
}

/**
 * The ports of a domain that an agent made; none for other domains. An interface on the managed network whose MAC is not in the plan has no
 * address there, so it is left out, and its port stays closed.
 */
export const portsOf = (xml: string, { name: networkName, plan, bridge }: Networks): GuestPort[] => {
  const { uuid, interfaces, metadata = [] } = parseDomain(xml);
  const instance = instanceUuidSchema.safeParse(uuid);
  if (!instance.success || !hasMark(metadata)) return [];
  return interfaces.flatMap((entry): GuestPort[] => {
    if (entry.targetDev === undefined) return [];
    const port = { name: entry.targetDev, instance: instance.data, mac: entry.mac.toLowerCase() };
    if (entry.network !== networkName) return bridge !== undefined && entry.bridge === bridge ? [port] : [];
    if (plan === undefined) return [port];
    const address = addressOfMac(port.mac, plan);
    return address === undefined ? [] : [{ ...port, address }];
  });
};
