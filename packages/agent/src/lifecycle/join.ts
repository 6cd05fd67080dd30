import { givenSubnetsOf } from '../networks/given-subnets.js';
import { hostNetworksOf } from '../networks/host-networks.js';
import { createFindEndpoint } from '@etcd-compute/common/images/find-endpoint';
import { createFindImageServers } from '@etcd-compute/common/images/find-image-servers';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { ImageCache } from '../images/cache/cache.js';
import { createDownloadReport } from '../images/wishes/report-downloads.js';
import { createDraining, type Draining } from '../inventory/draining.js';
import { findForgotten } from '../inventory/forgotten.js';
import { createOwnProvider, type OwnProvider } from '../inventory/own-provider.js';
import { probeImagesGiB, probeResources } from '../inventory/probe.js';
import { createInventoryReport } from '../inventory/report.js';
import { warnOfClosedFolder } from '../known-servers/identity.js';
import { probeLibvirt } from '../libvirt/probe.js';
import type { MetadataAddress } from '../metadata/metadata-address.js';
import { persist } from '../servers/persist.js';
import { describeHost } from '../session/describe-host.js';
import { createHealth, type Health } from '../session/health.js';
import { takePresence, type PresenceKeeper } from '../session/presence.js';
import { waitForConnections, type Beginning, type Connected } from './connect.js';

/** A host that has joined the cloud: etcd shows its agent, and Placement its room. */
export interface Joined {
  readonly health: Health;
  readonly presence: PresenceKeeper;
  readonly draining: Draining;
  readonly images: ImageCache;
  readonly provider: OwnProvider;
  /** Tells Placement what this host has, and whether it takes instances. Repeatable. */
  readonly reportInventory: () => Promise<void>;
}

export interface JoinOptions {
  readonly metadata: MetadataAddress;
  /** Ends the waiting for servers. */
  readonly signal: AbortSignal;
}

export const joinCloud = async (
  beginning: Beginning,
  connected: Connected,
  { metadata, signal }: JoinOptions,
): Promise<Joined> => {
  const { config, identity, keys, pool, lifetime, events, log } = beginning;
  const { store, link } = connected.servers;
  const isKnown = await waitForConnections(beginning, connected, signal);
  await warnOfClosedFolder(pool.folder, log);
  const health = createHealth({ onChange: (trouble) => events.emit('trouble', trouble), log });
  const probe = probeLibvirt({ config, getOpen: link.getOpen, health, signal: lifetime.signal });
  events.on('libvirt-down', probe.linkDown);
  const draining = createDraining({ store, keys, host: identity.host, log });
  await persist(draining.read, { what: 'etcd', log, signal });
  const presence = await showPresence(beginning, connected, { draining, isKnown, signal });
  events.on('trouble', presence.showTrouble);
  presence.showTrouble(health.trouble);
  // Before there is room on this host: without it, guests may come up as nobody.
  await persist(metadata.open, { what: 'the metadata address', log, signal });
  const images = await openImages(beginning, connected, presence);
  const { provider, reportInventory } = createInventory(beginning, connected, { draining, images });
  await persist(reportInventory, { what: 'the inventory in Placement', log, signal });
  return { health, presence, draining, images, provider, reportInventory };
};

interface PresenceNeeds {
  readonly draining: Draining;
  /** Whether an earlier session of this host has written to this etcd. */
  readonly isKnown: boolean;
  readonly signal: AbortSignal;
}

const showPresence = async (
  { config, identity: { host }, session, keys, lifetime, events, log }: Beginning,
  { servers: { store, link } }: Connected,
  { draining, isKnown, signal }: PresenceNeeds,
): Promise<PresenceKeeper> => {
  // A libvirtd that does not know QEMU yet finds out all that QEMU can do when it is asked for its version. On a slow host that takes a
  // minute, so it is asked as work.
  const presence = await persist(
    async () =>
      link.lend('work', async (connection) =>
        describeHost(connection, {
          config,
          host,
          session,
          drain: draining.current,
          networks: hostNetworksOf(config).map(({ name }) => name),
          subnets: givenSubnetsOf(config),
        }),
      ),
    { what: 'the hypervisor', log, signal },
  );
  const options = {
    store,
    keys,
    ttlSeconds: config.presence_ttl,
    log,
    presence,
    isKnown,
    lifetime: lifetime.signal,
    onTakenAnew: () => events.emit('presence-renewed'),
    onReplaced: lifetime.end,
  };
  return persist(async () => takePresence(options, signal), { what: 'etcd', log, signal });
};

const openImages = async (
  { config, identity: { host }, session, keys, lifetime, log }: Beginning,
  { servers: { store } }: Connected,
  presence: PresenceKeeper,
): Promise<ImageCache> =>
  ImageCache.open(join(config.state_dir, 'images'), {
    settings: config.images,
    stallMs: config.timeouts.image_stall * 1000,
    findEndpoint: createFindEndpoint({ store, keys }),
    findImageServers: createFindImageServers({ store, keys }),
    onDownloads: createDownloadReport({ store, keys, host, session, presence, log, signal: lifetime.signal }),
    log,
  });

const createInventory = (
  { config, identity: { host }, keys, pool, lifetime, log }: Beginning,
  { servers: { store, capacity, link } }: Connected,
  { draining, images }: Pick<Joined, 'draining' | 'images'>,
): Pick<Joined, 'provider' | 'reportInventory'> => {
  const inTurn = pLimit(1);
  const provider = createOwnProvider({ capacity, host, now: Date.now });
  const report = createInventoryReport({ provider, capacity, host, config, log });
  const reportInventory = async (): Promise<void> =>
    inTurn(async () => {
      const resources = await probeResources(link.getConnection(), pool.folder);
      const imagesGiB = await probeImagesGiB(images);
      const forgotten = await findForgotten({ store, keys, host, provider, pool, getConnection: link.getConnection });
      await report({ resources, imagesGiB, forgotten, isLocked: !lifetime.mayClaim || draining.isOn() });
    });
  return { provider, reportInventory };
};
