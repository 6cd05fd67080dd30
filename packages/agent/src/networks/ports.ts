import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { hasMark } from '../instances/domain.js';
import { addressOfMac, type NetworkPlan } from './address-plan.js';

/** The host's end of a guest's interface, and what may be sent from it. */
export interface GuestPort {
  readonly name: string;
  readonly instance: InstanceUuid;
  readonly mac: string;
  /** On the managed network. On others it is not known. */
  readonly address?: string;
}

/**
 * The name of a guest's port, so that its rules can be there before it is. Linux takes 15 characters; libvirt drops names that
 * look like its own (`vnet0`) from a definition.
 *
 * @param interfaceIndex counts the interfaces of one guest from 0 to 35.
 */
export const portNameOf = (instance: InstanceUuid, interfaceIndex: number): string =>
  `ec${instance.replaceAll('-', '').slice(0, 12)}${interfaceIndex.toString(36)}`;

export const isOwnPortName = (name: string): boolean => /^ec[0-9a-f]{12}[0-9a-z]$/.test(name);

export interface Networks {
  /** The libvirt network of the first interfaces. */
  readonly name: string;
  /** Missing: somebody else keeps the network. */
  readonly plan?: NetworkPlan;
  /** The bridge of the second interfaces. */
  readonly bridge?: string | undefined;
}

/**
 * The ports of a domain that an agent has made; none for others. An interface that somebody has plugged into the managed network with a MAC that is none of its
 * plan has no address there, so it is left out and nothing passes its port.
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
