import { withResolvers } from '@etcd-compute/common/async/deadline';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import type { SessionUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { AgentConfig } from '../config/config.js';
import { isMetadataOn } from '../config/metadata.js';
import { ensureDiskPool, type DiskPool } from '../disks/disk-pool.js';
import { createBelonging, type Belonging } from '../known-servers/belonging.js';
import type { Identity } from '../known-servers/identity.js';
import { openLibvirtLink, type LibvirtLink } from '../libvirt/link.js';
import { removeLeftAddress } from '../metadata/metadata-address.js';
import { adoptGuests } from '../networks/adopt-guests.js';
import type { GuestFilter } from '../networks/guest-filter.js';
import { createGuestFilters } from '../networks/guest-filters.js';
import { createGuestNetworks, type GuestNetworks } from '../networks/guest-networks.js';
import { isFinal } from '../servers/persist.js';
import { waitForServers, type Servers } from '../servers/servers.js';
import type { HostEvents } from './host-events.js';
import type { Lifetime } from './lifetime.js';

/** What is known before a server is asked. */
export interface Beginning {
  readonly config: AgentConfig;
  readonly identity: Identity;
  readonly session: SessionUuid;
  readonly keys: Keys;
  readonly pool: DiskPool;
  readonly lifetime: Lifetime;
  readonly events: HostEvents;
  readonly log: Logger;
}

/** Connections to the three servers, and what every new connection to libvirt is put in order with. */
export interface Connected {
  readonly servers: Servers;
  readonly belonging: Belonging;
  readonly networks: GuestNetworks;
  readonly filter: GuestFilter;
  /** Rejects when a person must act on libvirt first. */
  readonly refused: Promise<never>;
}

export const openServers = async (beginning: Beginning): Promise<Connected> => {
  const { config, pool, lifetime, log } = beginning;
  const belonging = createBelonging({ ...beginning, onEtcdChanged: lifetime.end });
  const networks = createGuestNetworks({ config, log });
  const filter = createGuestFilters({ config, log, signal: lifetime.signal });
  const { promise: refused, reject } = withResolvers<never>();
  refused.catch(() => undefined);
  const store = await openStore(config.etcd, belonging.judge);
  const capacity = await openCapacity(beginning, store);
  const checkLibvirt = async (connection: Connection): Promise<void> =>
    belonging.checkLibvirt(connection).catch((err: unknown) => {
      if (isFinal(err)) reject(err);
      throw err;
    });
  const link = openLink(beginning, async (connection, getConnection) => {
    await checkLibvirt(connection);
    await ensureDiskPool(connection, pool);
    await belonging.noteLibvirt(connection);
    await networks.open(connection);
    if (await filter.open(connection, getConnection)) await adoptGuests(connection, log);
    if (config.network.manage && !isMetadataOn(config))
      await removeLeftAddress(connection, { config: config.network, log });
  });
  return { servers: { store, capacity, link }, belonging, networks, filter, refused };
};

/** Only the one that counts is loaded. */
const openCapacity = async (
  { config: { placement }, keys }: Pick<Beginning, 'config' | 'keys'>,
  store: Store,
): Promise<Capacity> => {
  if (placement.backend === 'service')
    return (await import('@etcd-compute/common/capacity/placement-capacity')).openPlacementCapacity(placement);
  return (await import('@etcd-compute/placement/capacity/etcd-capacity')).createEtcdCapacity({ store, keys });
};

type Prepare = Parameters<typeof openLibvirtLink>[0]['onUp'];

/** @param prepare puts the host in order on each new connection, before anyone else uses it. */
const openLink = ({ config, lifetime, events, log }: Beginning, prepare: Prepare): LibvirtLink =>
  openLibvirtLink({
    config,
    log,
    signal: lifetime.signal,
    onUp: async (connection, getConnection) => {
      await prepare(connection, getConnection);
      events.emit('libvirt-up');
    },
    onDomainEvent: (instance) => events.emit('domain', instance),
    onGuestAgent: (instance, isConnected) => events.emit('guest-agent', instance, isConnected),
    onDown: (err, details) => events.emit('libvirt-down', err, details),
  });

/**
 * Waits until all three servers are there and are the right ones.
 *
 * @returns whether an earlier session of this host has written to this etcd.
 */
export const waitForConnections = async (
  { identity: { host }, keys, log }: Beginning,
  { servers, belonging, refused }: Connected,
  signal: AbortSignal,
): Promise<boolean> => {
  let wasKnown = false;
  const checkEtcd = async (): Promise<void> => {
    const getConnection = (): Connection => servers.link.getConnection();
    ({ wasKnown } = await belonging.checkEtcd(servers.store, { key: keys.agent(host), getConnection }));
  };
  await Promise.race([waitForServers(servers, { checkEtcd, host, log, signal }), refused]);
  return wasKnown;
};
