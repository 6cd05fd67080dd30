import { servicesOf } from '@etcd-compute/cloud';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import { createTurns } from '@etcd-compute/common/async/turns';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { findSshKey } from '../compute/engine/keypairs.js';
import { needFlavor } from '../compute/engine/find-flavor.js';
import { findServerGroup } from '../compute/engine/server-groups.js';
import { hasZone, zoneOf } from '../compute/engine/zones.js';
import { limitsOf } from '../compute/engine/quotas.js';
import { COMPUTE_PATH } from '../compute/compute-service.js';
import { CONSOLE_PATH } from '../compute/servers/consoles/console-socket.js';
import { createConsoles } from '../compute/servers/consoles/consoles.js';
import { startReconciler } from '../compute/servers/engine/reconcile-servers.js';
import type { Servers } from '../compute/servers/servers.js';
import { openServerStore } from '../compute/servers/state/server-store.js';
import { findCaller } from '../identity/engine/find-caller.js';
import type { Identity } from '../identity/identity.js';
import { resolveBootImage } from '../image/engine/boot-image.js';
import { createSnapshotImage } from '../image/engine/snapshot-image.js';
import type { Images } from '../image/images.js';
import type { ComputeStore } from '../compute/state/compute-store.js';
import type { HostNetworksStore } from '../network/state/host-networks.js';
import { publicUrlOf } from './config.js';
import type { OpenOptions } from './open-identity.js';

export interface ServersOptions {
  /** Stay their owners' to close. */
  readonly store: ComputeStore;
  readonly hosts: Pick<HostNetworksStore, 'view' | 'hostName'>;
  readonly images: Images;
  readonly identity: Pick<Identity, 'store' | 'now'>;
  /** Instead of images' own, in tests. */
  readonly imageOf?: Servers['imageOf'] | undefined;
}

export interface OpenServers extends AsyncDisposable {
  readonly servers: Servers;
}

/** Servers, and what goes on with them as long as this is open. @throws what etcd says, when the first copy cannot be made. */
export const openServers = async (
  { config, etcd, log }: OpenOptions,
  { store, hosts, images, identity, imageOf }: ServersOptions,
): Promise<OpenServers> => {
  const keys = createKeys(config.etcd.prefix);
  const capacity = createOpenCapacity({ config, etcd, log });
  let opened: Servers | undefined;
  const reconciler = startReconciler(() => opened);
  const serverStore = await openServerStore({ etcd, keys, log, onChange: reconciler.wake });
  const turns = new Map<string, ReturnType<typeof createTurns>>();
  const servers: Servers = {
    store: serverStore,
    servicesFor: ({ project, user }) =>
      servicesOf({ store: etcd, capacity, keys, user, project, patienceMs: 2 * config.etcd.timeout * 1000 }),
    flavorOf: (id, caller) => needFlavor(store.view(), id, caller),
    imageOf: imageOf ?? (async (id, caller) => resolveBootImage(images, caller, id)),
    saveImage: async (image) => createSnapshotImage(images, image),
    keyOf: (user, name) => findSshKey(store.view(), { user, name }),
    groupOf: (id, project) => {
      const group = findServerGroup(store.view(), id, project);
      return (
        group && {
          id,
          policy: group.policy,
          maxPerHost: group.max_per_host ?? 1,
          maxMembers: limitsOf(store.view(), project).server_group_members,
        }
      );
    },
    consoles: createConsoles({
      etcd,
      keyOf: serverStore.keys.consoleToken,
      url: publicUrlOf(config).replace(/^http/, 'ws') + COMPUTE_PATH + CONSOLE_PATH,
      lifetimeMs: config.consoles.lifetime * 1000,
      limit: config.consoles.connections,
      look: async () => identity.store.look(),
      callerOf: (ticket) => findCaller(identity.store.view(), ticket, identity.now()),
      now: identity.now,
    }),
    networkView: () => hosts.view(),
    limitsOf: (project) => limitsOf(store.view(), project),
    hostnameOf: (host) => hosts.hostName(host),
    zones: { of: (hostname) => zoneOf(store.view(), hostname), has: (zone) => hasZone(store.view(), zone) },
    url: `${publicUrlOf(config)}${COMPUTE_PATH}/v2.1`,
    log,
    inTurn: async (project, run) => {
      const inTurn = turns.get(project) ?? createTurns();
      turns.set(project, inTurn);
      return inTurn(run);
    },
  };
  opened = servers;
  for (const { id } of serverStore.all()) reconciler.wake(id);
  return {
    servers,
    [Symbol.asyncDispose]: async () => {
      await reconciler[Symbol.asyncDispose]();
      await serverStore[Symbol.asyncDispose]();
    },
  };
};

/** Opened when it is first needed. */
const createOpenCapacity = ({ config: { placement, etcd: section }, etcd }: OpenOptions): (() => Promise<Capacity>) => {
  let opened: Promise<Capacity> | undefined;
  const open = async (): Promise<Capacity> => {
    if (placement.backend === 'service')
      return (await import('@etcd-compute/common/capacity/placement-capacity')).openPlacementCapacity(placement);
    const { createEtcdCapacity } = await import('@etcd-compute/placement/capacity/etcd-capacity');
    return createEtcdCapacity({ store: etcd, keys: createKeys(section.prefix) });
  };
  return async () => (opened ??= open());
};
