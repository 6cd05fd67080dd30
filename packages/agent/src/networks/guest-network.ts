import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import type { Network } from '@etcd-compute/libvirt/network';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { parseNetwork, renderNetwork, type NetworkSpec } from '@etcd-compute/libvirt/xml/network';
import type { AgentConfig } from '../config/config.js';
import { chooseAddress, listReservations, planNetwork } from './address-plan.js';
import { onlyNetwork } from './host-networks.js';
import { readBothXmls, readNics } from './nics.js';
import { BLOCK_PREFIX, blocksOf, isSameIpv6, isUniqueLocal, planIpv6 } from './ipv6-plan.js';

/**
 * A libvirt network of the guests. On one of the agent's own, every guest's address is chosen before it starts.
 *
 * The network has a DHCP host entry for every address from the beginning, each with the MAC that belongs to the address
 * (`address-plan.ts`). So choosing an address is choosing a MAC, and who holds which is read from the domains: nothing else
 * is written that could leak. (An entry per guest, added when it boots, would cost a second each time: libvirt sets up all of a
 * network's firewall rules anew with every change; see docs/decisions/0002-dhcp-entries-once.md.)
 *
 * Spanning tree and forward delay are off and dnsmasq does not ping an address before it offers it: together they would
 * cost a guest five seconds.
 */
export interface GuestNetwork {
  readonly name: string;
  /** Finds the network, or makes and starts the managed one, and reads who holds which address. @throws ECOMPUTE_NETWORK_FAILED */
  open(connection: Connection): Promise<void>;
  /** A free address, kept until `release`; undefined on a network that is not managed. @throws ECOMPUTE_NETWORK_FULL */
  reserve(instance: InstanceUuid): string | undefined;
  /** Gives the address back; repeatable. Only when no domain has the MAC any more. */
  release(instance: InstanceUuid): void;
}

export interface GuestNetworkDeps {
  readonly config: AgentConfig['network'];
  readonly log: Logger;
}

export const createGuestNetwork = (deps: GuestNetworkDeps): GuestNetwork =>
  deps.config.manage ? createManagedNetwork(deps) : createForeignNetwork(deps);

/** A network that someone else keeps: addresses are its DHCP server's business. */
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
  reserve: () => undefined,
  release: () => undefined,
});

const createManagedNetwork = ({ config, log }: GuestNetworkDeps): GuestNetwork => {
  const { name, cidr } = config;
  const plan = planNetwork(cidr);
  const held = new Map<InstanceUuid, string>();
  let last: string | undefined;
  return {
    name,
    open: async (connection) => {
      await ensureManaged(connection, config, log);
      for (const [instance, reservation] of await readReservations(connection, config)) held.set(instance, reservation);
      last ??= [...held.values()].at(-1);
    },
    reserve: (instance) => {
      const existing = held.get(instance);
      if (existing !== undefined) return existing;
      const chosen = chooseAddress(plan, new Set(held.values()), last);
      if (!chosen)
        throw new EcomputeError(
          'ECOMPUTE_NETWORK_FULL',
          `the network '${name}' has no free address: all ${plan.size} of ${cidr} are in use`,
          { retryable: true, hint: 'set network.name and network.cidr to a larger network on this host' },
        );
      last = chosen.address;
      held.set(instance, chosen.address);
      return chosen.address;
    },
    release: (instance) => {
      held.delete(instance);
    },
  };
};

/** Which instance has which address on the network. */
const readReservations = async (
  connection: Connection,
  network: AgentConfig['network'],
): Promise<Map<InstanceUuid, string>> => {
  const reservations = new Map<InstanceUuid, string>();
  for (const domain of await connection.listAllDomains()) {
    await using handle = domain;
    const instance = instanceUuidSchema.safeParse(handle.uuid).data;
    const nics = (await readBothXmls(handle)).flatMap((xml) => readNics(parseDomain(xml), onlyNetwork(network)));
    const address = nics.find((nic) => nic.network === network.name)?.address;
    if (instance !== undefined && address !== undefined) reservations.set(instance, address);
  }
  return reservations;
};

const ensureManaged = async (connection: Connection, config: AgentConfig['network'], log: Logger): Promise<void> => {
  const { name, cidr } = config;
  await using network = (await findNetwork(connection, name)) ?? (await defineManaged(connection, config, log));
  checkAddresses(await network.getXMLDesc(), config);
  if (!(await network.isActive())) {
    try {
      await network.create();
    } catch (cause) {
      throw new EcomputeError('ECOMPUTE_NETWORK_FAILED', `could not start the libvirt network '${name}' (${cidr})`, {
        cause,
        hint: 'if its addresses are in use on this host, set network.cidr to others',
      });
    }
  }
  await network.setAutostart(true);
};

/** @throws ECOMPUTE_NETWORK_FAILED when a network of that name was made by someone else, or with another cidr or cidr6. */
const checkAddresses = (xml: string, config: AgentConfig['network']): void => {
  const { name, cidr, cidr6 } = config;
  const plan = planNetwork(cidr);
  const seen = parseNetwork(xml);
  const { ip, ip6 } = seen;
  const hosts = new Set((ip.dhcp?.hosts ?? []).map((host) => `${host.mac} ${host.ip}`));
  if (
    ip.address === plan.gateway &&
    ip.prefix === plan.prefix &&
    isIpv6AsPlanned(seen, config) &&
    listReservations(plan).every(({ mac, address }) => hosts.has(`${mac} ${address}`))
  )
    return;
  throw new EcomputeError(
    'ECOMPUTE_NETWORK_FAILED',
    `the libvirt network '${name}' is not the one for ${both(cidr, cidr6)} that ecompute makes (it is ${both(withPrefix(ip), withPrefix(ip6))})`,
    {
      hint: `set network.name to another name, or, when no guest uses it: virsh net-destroy ${name}; virsh net-undefine ${name}`,
    },
  );
};

const withPrefix = (ip: NetworkSpec['ip6']): string | undefined => ip && `${ip.address}/${ip.prefix}`;
const both = (ipv4: string | undefined, ipv6: string | undefined): string =>
  [ipv4, ipv6].filter((cidr) => cidr !== undefined).join(' and ');

const isIpv6AsPlanned = ({ ip6, dnsmasqOptions }: NetworkSpec, config: AgentConfig['network']): boolean => {
  if (ip6 === undefined || config.cidr6 === undefined) return ip6 === config.cidr6;
  const { gateway, prefix } = planIpv6(config.cidr6);
  const isSameHost = isSameIpv6(gateway, ip6.address) && ip6.prefix === prefix && ip6.dhcp !== undefined;
  // libvirt's test driver keeps no options.
  const options = new Set(dnsmasqOptions ?? dnsmasqOptionsOf(config));
  return isSameHost && dnsmasqOptionsOf(config).every((option) => options.has(option));
};

/** With a router's advertisement, which dnsmasq sends, guests know that they are to ask for an address. */
const ipv6Of = ({ cidr6, lease_seconds: leaseSeconds }: AgentConfig['network']): Partial<NetworkSpec> => {
  if (cidr6 === undefined) return {};
  const { gateway, prefix, spare } = planIpv6(cidr6);
  const dhcp = { ranges: [{ start: spare, end: spare }], leaseSeconds, hosts: [] };
  return { ip6: { address: gateway, prefix, dhcp }, ...(isUniqueLocal(gateway) && { natIpv6: true }) };
};

/**
 * libvirt knows no IPv6 host entries by MAC; dnsmasq does. It finds a client's MAC by asking the client's link-local address for it. Who is not found
 * gets nothing, and asks again: an address out of the range would not pass the guest's port.
 */
const dnsmasqOptionsOf = ({ cidr, cidr6 }: AgentConfig['network']): string[] => {
  if (cidr6 === undefined) return ['no-ping'];
  const plan = planNetwork(cidr);
  const blockOf = blocksOf(cidr6, plan);
  const hosts = listReservations(plan).map(
    ({ mac, address }) => `dhcp-host=${mac},[${blockOf(address)}/${BLOCK_PREFIX}]`,
  );
  return ['no-ping', 'dhcp-ignore=tag:!known', ...hosts];
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
      dhcp: {
        ranges: [{ start: plan.first, end: plan.last }],
        leaseSeconds: config.lease_seconds,
        hosts: listReservations(plan).map(({ mac, address }) => ({ mac, ip: address })),
      },
    },
    ...ipv6Of(config),
    dnsmasqOptions: dnsmasqOptionsOf(config),
  });
  const network = await connection.networkDefineXML(xml);
  log.info({ network: config.name, cidr: config.cidr, cidr6: config.cidr6 }, 'network defined');
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
