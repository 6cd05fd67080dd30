import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import type { NetworksConfig } from './host-networks.js';
import { readBothXmls } from './nics.js';
import { isOwnPortName } from './port-names.js';
import { portsOf, type GuestPort } from './ports.js';

/** The guests and their ports, as last read from libvirt's domains. */
export interface GuestList {
  /** Lists the domains, and reads those that are not known yet. */
  readonly refresh: (connection: Connection) => Promise<void>;
  /** Reads one. */
  readonly read: (domain: Domain) => Promise<void>;
  readonly remove: (instance: InstanceUuid) => void;
  readonly portsOf: (instance: InstanceUuid) => readonly GuestPort[];
  readonly allPorts: () => readonly GuestPort[];
}

export const createGuestList = (config: NetworksConfig): GuestList => {
  const guests = new Map<InstanceUuid, readonly GuestPort[]>();
  /** Ports with names of ours never change. Other names are libvirt's, which chooses new ones at each start. */
  const isKnown = (instance: InstanceUuid): boolean => {
    const ports = guests.get(instance) ?? [];
    return ports.length > 0 && ports.every(({ name }) => isOwnPortName(name));
  };
  const read = async (domain: Domain): Promise<void> => {
    const ports = (await readBothXmls(domain)).flatMap((xml) => portsOf(xml, config));
    const byName = new Map(ports.toReversed().map((port) => [port.name, port]));
    guests.set(instanceUuidSchema.parse(domain.uuid), [...byName.values()]);
  };
  return {
    refresh: async (connection) => {
      const seen = new Set<InstanceUuid>();
      for (const domain of await connection.listAllDomains()) {
        await using handle = domain;
        const instance = instanceUuidSchema.safeParse(handle.uuid);
        if (!instance.success) continue;
        seen.add(instance.data);
        if (!isKnown(instance.data)) await read(handle).catch(ignoreGone);
      }
      for (const instance of guests.keys()) if (!seen.has(instance)) guests.delete(instance);
    },
    read,
    remove: (instance) => void guests.delete(instance),
    portsOf: (instance) => guests.get(instance) ?? [],
    allPorts: () => [...guests.values()].flat(),
  };
};

/** The domain went away since it was listed. */
const ignoreGone = (err: unknown): void => {
  if (!isLibvirtError(err, 'VIR_ERR_NO_DOMAIN')) throw err;
};
