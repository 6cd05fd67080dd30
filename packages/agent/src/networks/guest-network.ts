import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { NetworkSection, NetworkUpdateCommand, NetworkUpdateFlags } from '@etcd-compute/libvirt/constants';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import type { Network } from '@etcd-compute/libvirt/network';
import { parseNetwork, renderDhcpHost, renderNetwork } from '@etcd-compute/libvirt/xml/network';
import pLimit from 'p-limit';
import type { AgentConfig } from '../config.js';
import { chooseAddress, macOfInstance, planNetwork, type Reservation } from './address-plan.js';

/**
 * The libvirt network of the guests' first interfaces. When it is the agent's own, every guest gets an address before it
 * starts: a DHCP host entry under the instance's uuid, live and in the network's stored definition. The entries in libvirt are
 * the truth; what is kept here is a copy that `open` reads, again after every reconnect.
 *
 * Spanning tree and forward delay are off and dnsmasq does not ping an address before it offers it: together they would
 * cost a guest five seconds.
 */
export interface GuestNetwork {
  readonly name: string;
  /** Finds the network, or makes and starts the managed one, and reads who holds which address. @throws ECOMPUTE_NETWORK_FAILED */
  open(connection: Connection): Promise<void>;
  /** Ensures that the instance has a MAC, and on a managed network an address. Repeatable. @throws ECOMPUTE_NETWORK_FULL */
  reserve(connection: Connection, instance: InstanceUuid): Promise<{ mac: string; address: string | null }>;
  /** Gives the address back; repeatable. */
  release(connection: Connection, instance: InstanceUuid): Promise<void>;
  /** The MAC that `reserve` gave; undefined when there is no reservation. */
  macOf(instance: InstanceUuid): string | undefined;
  /** Instances that hold an address. */
  reserved(): InstanceUuid[];
}

export interface GuestNetworkDeps {
  readonly config: AgentConfig['network'];
  readonly log: Logger;
}

export const createGuestNetwork = (deps: GuestNetworkDeps): GuestNetwork =>
  deps.config.manage ? createManagedNetwork(deps) : createForeignNetwork(deps);

/** A network that someone else keeps: addresses are its DHCP server's business, only the MAC is ours. */
const createForeignNetwork = ({ config: { name } }: GuestNetworkDeps): GuestNetwork => ({
  name,
  open: async (connection) => {
    await using network = await findNetwork(connection, name);
    if (network && (await network.isActive())) return;
    throw new EcomputeError(
      'ECOMPUTE_NETWORK_FAILED',
      `the libvirt network '${name}' ${network ? 'is not active' : 'does not exist'}`,
      {
        hint: network
          ? `run: virsh net-start ${name}`
          : 'set network.name to one that `virsh net-list --all` shows, or network.manage to true',
      },
    );
  },
  reserve: async (_connection, instance) => ({ mac: macOfInstance(instance, 0), address: null }),
  release: async () => undefined,
  macOf: (instance) => macOfInstance(instance, 0),
  reserved: () => [],
});

const createManagedNetwork = ({ config, log }: GuestNetworkDeps): GuestNetwork => {
  const { name } = config;
  const plan = planNetwork(config.cidr);
  const held = new Map<InstanceUuid, Reservation>();
  // Entries are changed one at a time: libvirt rewrites the network's definition for each.
  const inTurn = pLimit(1);
  let last: string | undefined;

  const readReservations = async (network: Network): Promise<void> => {
    const { ip } = parseNetwork(await network.getXMLDesc());
    if (ip.address !== plan.gateway || ip.prefix !== plan.prefix)
      log.warn(
        { network: name, cidr: config.cidr, found: `${ip.address}/${ip.prefix}` },
        'network has other addresses than the config; it stays as it is',
      );
    held.clear();
    for (const host of ip.dhcp?.hosts ?? []) {
      const instance = instanceUuidSchema.safeParse(host.name);
      if (instance.success) held.set(instance.data, { address: host.ip, mac: host.mac });
    }
    last ??= [...held.values()].at(-1)?.address;
  };

  const update = async (connection: Connection, command: number, instance: InstanceUuid): Promise<void> => {
    const reservation = held.get(instance);
    if (!reservation) return;
    await using network = await connection.networkLookupByName(name);
    const xml = renderDhcpHost({ mac: reservation.mac, name: instance, ip: reservation.address });
    await network.update(
      command,
      NetworkSection.IP_DHCP_HOST,
      -1,
      xml,
      NetworkUpdateFlags.LIVE | NetworkUpdateFlags.CONFIG,
    );
  };

  return {
    name,
    open: async (connection) =>
      inTurn(async () => {
        await using network = await ensureManaged(connection, config, log);
        await readReservations(network);
      }),
    reserve: async (connection, instance) =>
      inTurn(async () => {
        const existing = held.get(instance);
        if (existing) return existing;
        const chosen = chooseAddress(plan, new Set([...held.values()].map(({ address }) => address)), last);
        if (!chosen)
          throw new EcomputeError(
            'ECOMPUTE_NETWORK_FULL',
            `the network '${name}' has no free address: all ${plan.size} of ${config.cidr} are in use`,
            {
              retryable: true,
              hint: 'set network.cidr to a larger network on this host',
            },
          );
        last = chosen.address;
        held.set(instance, chosen);
        try {
          await update(connection, NetworkUpdateCommand.ADD_LAST, instance);
        } catch (err) {
          held.delete(instance);
          throw err;
        }
        return chosen;
      }),
    release: async (connection, instance) =>
      inTurn(async () => {
        await update(connection, NetworkUpdateCommand.DELETE, instance);
        held.delete(instance);
      }),
    macOf: (instance) => held.get(instance)?.mac,
    reserved: () => [...held.keys()],
  };
};

const ensureManaged = async (connection: Connection, config: AgentConfig['network'], log: Logger): Promise<Network> => {
  const network = (await findNetwork(connection, config.name)) ?? (await defineManaged(connection, config, log));
  if (!(await network.isActive())) {
    try {
      await network.create();
    } catch (cause) {
      throw new EcomputeError(
        'ECOMPUTE_NETWORK_FAILED',
        `could not start the libvirt network '${config.name}' (${config.cidr})`,
        {
          cause,
          hint: 'when its addresses are in use on this host, set network.cidr to others',
        },
      );
    }
  }
  await network.setAutostart(true);
  return network;
};

const defineManaged = async (connection: Connection, config: AgentConfig['network'], log: Logger): Promise<Network> => {
  const plan = planNetwork(config.cidr);
  const xml = renderNetwork({
    name: config.name,
    bridge: { stp: false, delay: 0 },
    forward: 'nat',
    ip: {
      address: plan.gateway,
      prefix: plan.prefix,
      dhcp: { ranges: [{ start: plan.first, end: plan.last }], leaseSeconds: config.lease_seconds, hosts: [] },
    },
    dnsmasqOptions: ['no-ping'],
  });
  const network = await connection.networkDefineXML(xml);
  log.info({ network: config.name, cidr: config.cidr }, 'network defined');
  return network;
};

const findNetwork = async (connection: Connection, name: string): Promise<Network | undefined> => {
  try {
    return await connection.networkLookupByName(name);
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_NETWORK')) return undefined;
    throw err;
  }
};
