import { join } from 'node:path';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import { openPlacementCapacity } from '@etcd-compute/common/capacity/placement-capacity';
import { ReconcileLoop } from '@etcd-compute/common/async/reconcile-loop';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openStore } from '@etcd-compute/common/etcd/store';
import type { EcomputeError } from '@etcd-compute/common/errors';
import { newSessionUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { configureThreads, releaseMemory } from '@etcd-compute/libvirt/threads';
import pLimit from 'p-limit';
import { createAddressWatch, type AddressWatch } from '../addresses/address-watch.js';
import { createAudits } from '../audits/audits.js';
import { repeat } from '../audits/repeat.js';
import type { AgentConfig } from '../config/config.js';
import { describeHost } from '../session/describe-host.js';
import { checkDisksAreThere } from '../disks/check-disks.js';
import { countDisksOnImages, ensureDiskPool } from '../disks/disk-pool.js';
import { createEndpoint, type Endpoint } from '../endpoint/endpoint.js';
import { followRequests } from '../instances/follow-requests.js';
import { createHealth } from '../session/health.js';
import { ensureConfigDrivesDir } from '../guest-config/config-drives.js';
import { ensureFolder, readIdentity, warnOfClosedFolder } from '../known-servers/identity.js';
import { ImageCache } from '../images/cache/cache.js';
import { keepImages } from '../images/wishes/keep-images.js';
import { createDownloadReport } from '../images/wishes/report-downloads.js';
import { isElsewhere } from '../servers/fault.js';
import { createLostDomains } from '../instances/lost-domains.js';
import { mayWriteBooted } from '../instances/booted.js';
import { migrateRecords } from '../instances/migrate.js';
import { createInstanceReconciler, type InstanceReconciler } from '../instances/reconcile.js';
import type { StepDeps } from '../steps/step.js';
import { TASKS, type Tasks } from '../kinds/tasks.js';
import { createOwnProvider } from '../inventory/own-provider.js';
import { probeImagesGiB, probeResources } from '../inventory/probe.js';
import { createDraining } from '../inventory/draining.js';
import { createInventoryReport } from '../inventory/report.js';
import { createBelonging } from '../known-servers/belonging.js';
import { MAX_HUNG_CALLS, maxCalls, openLibvirtLink } from '../libvirt/link.js';
import { probeLibvirt, type Probe } from '../libvirt/probe.js';
import { createMetadata } from '../metadata/create-metadata.js';
import { removeLeftAddress } from '../metadata/metadata-address.js';
import { isMetadataOn } from '../config/metadata.js';
import { adoptGuests } from '../networks/adopt-guests.js';
import { createGuestFilter } from '../networks/guest-filter.js';
import { createGuestNetwork } from '../networks/guest-network.js';
import { isFinal, persist } from '../servers/persist.js';
import { takePresence, type PresenceKeeper } from '../session/presence.js';
import { readBootId } from '../process/process-identity.js';
import { closeServers, waitForServers } from '../servers/servers.js';
import { shutDown } from './shut-down.js';
import { lockStateFolder } from '../state-folder/state-folder-lock.js';
import { VERSION } from '../process/version.js';
import { chooseVirtType } from '../libvirt/virt-type.js';

/**
 * The composition root: the only file that wires the parts of the agent together.
 *
 * What the agent knows is in etcd, Placement and libvirt; what it keeps in memory can be lost at any moment.
 */
export interface Agent {
  readonly host: ProviderUuid;
  /**
   * Takes nothing new, locks the inventory, lets builds in hand finish within `timeouts.shutdown`, and leaves. Guests go on; a build
   * that did not finish is taken up by the next start. After it has ended, it only leaves.
   */
  stop(): Promise<void>;
  /**
   * Resolves when it cannot go on: another agent has taken this host over, or etcd is another one. From then on it does nothing but
   * wait for `stop`.
   */
  readonly ended: Promise<EcomputeError>;
}

export interface StartOptions {
  readonly config: AgentConfig;
  readonly log: Logger;
  /** Ends the start while it waits for a server. */
  readonly signal: AbortSignal;
  /** Default `TASKS`; for tests, which make steps fail. */
  readonly tasks?: Tasks;
}

/** @throws EcomputeError when a person must act first; a server that is away is waited for. */
export const startAgent = async ({ config, log: root, signal, tasks = TASKS }: StartOptions): Promise<Agent> => {
  const log = root.child({ component: 'agent' });
  await ensureFolder(config.state_dir);
  const identity = await readIdentity(config.state_dir, config.uuid);
  const { host } = identity;
  const unlock = await lockStateFolder(config.state_dir, host);
  const session = newSessionUuid();
  log.info({ providerUuid: host, session, name: config.name, version: VERSION }, 'ecompute starts');
  // One stays, for the probe: a thread holds some 8 MiB while it is there, and koffi keeps some 50 KiB of each that has ended.
  configureThreads({ maxThreads: maxCalls(config), maxHungThreads: MAX_HUNG_CALLS, minThreads: 1, idleMs: 60_000 });

  const running = new AbortController();
  const { promise: ended, resolve: resolveEnded } = withResolvers<EcomputeError>();
  const end = (err: EcomputeError): void => {
    running.abort();
    resolveEnded(err);
  };
  const starting = AbortSignal.any([signal, running.signal]);
  const keys = createKeys(config.etcd.prefix);
  const pool = { name: config.disks.pool, folder: join(config.state_dir, 'disks') };
  const network = createGuestNetwork({ config: config.network, log });
  const filter = createGuestFilter({ config, getConnection: () => getConnection(), log, signal: running.signal });
  const requested = new Set<InstanceUuid>();
  const loop: ReconcileLoop<InstanceUuid> = new ReconcileLoop<InstanceUuid>({
    // Set below, before anything can wake the loop.
    activate: async (instance, loopSignal) => reconciler?.activate(instance, loopSignal),
    onError: (instanceUuid, err, { nextInMs, isRepeat }) => {
      const level = isElsewhere(err) ? 'warn' : 'error';
      log[isRepeat ? 'debug' : level]({ err, instanceUuid, nextInMs }, 'instance not reconciled, trying again');
    },
    backoffMs: { minMs: 500, maxMs: 30_000 },
    signal: running.signal,
  });
  let reconciler: InstanceReconciler | undefined;
  let endpoint: Endpoint | undefined;
  /** A start does not fail for it, and it is tried again once a period. */
  const serve = (): void => {
    endpoint?.ensure().catch((err: unknown) => {
      if (!running.signal.aborted) log.warn({ err }, 'consoles are not served, trying again next period');
    });
  };
  let addresses: AddressWatch | undefined;
  const wakeAll = (): void => {
    for (const instance of requested) loop.wake(instance);
  };

  const refused = withResolvers<never>();
  refused.promise.catch(() => undefined);
  let etcdChanged: EcomputeError | undefined;
  let isEtcdChecked = false;
  const belonging = createBelonging({
    config,
    identity,
    pool,
    getConnection: () => servers.link.getConnection(),
    onEtcdChanged: (err) => {
      if (!isEtcdChecked) return;
      etcdChanged ??= err;
      end(err);
    },
    log,
  });
  let presence: PresenceKeeper | undefined;
  const health = createHealth({ onChange: (trouble) => presence?.showTrouble(trouble), log });
  let probe: Probe | undefined;
  const servers = {
    store: await openStore(config.etcd, belonging.judge),
    capacity: await openPlacementCapacity(config.placement),
    link: openLibvirtLink({
      config,
      log,
      signal: running.signal,
      onUp: async (connection) => {
        await belonging.checkLibvirt(connection).catch((err: unknown) => {
          if (isFinal(err)) refused.reject(err);
          throw err;
        });
        await ensureDiskPool(connection, pool);
        await belonging.noteLibvirt(connection);
        await network.open(connection);
        if (await filter.open(connection)) await adoptGuests(connection, log);
        addresses?.reset();
        if (config.network.manage && !isMetadataOn(config))
          await removeLeftAddress(connection, { config: config.network, log });
        wakeAll();
      },
      onDomainEvent: (instance) => {
        if (requested.has(instance)) loop.wake(instance);
      },
      onGuestAgent: (instance, isConnected) => addresses?.agentChanged(instance, isConnected),
      onDown: (err, details) => probe?.linkDown(err, details),
    }),
  };
  const { store, capacity, link } = servers;
  const { getConnection, lend } = link;
  const metadata = createMetadata({ config, host, keys, store, getConnection, filter, log });
  try {
    let wasKnown = false;
    const checkEtcd = async (): Promise<void> => {
      ({ wasKnown } = await belonging.checkEtcd(store, keys.agent(host)));
      isEtcdChecked = true;
    };
    await Promise.race([waitForServers(servers, { checkEtcd, host, log, signal: starting }), refused.promise]);
    await warnOfClosedFolder(pool.folder, log);
    probe = probeLibvirt({ config, getOpen: link.getOpen, health, signal: running.signal });
    // Asked for its version, a libvirtd that knows nothing of QEMU yet finds out first all that QEMU can do: a minute, where it is slow.
    const draining = createDraining({ store, keys, host, log });
    await persist(draining.read, { what: 'etcd', log, signal: starting });
    const described = await persist(
      async () =>
        lend('work', async (connection) =>
          describeHost(connection, { config, host, session, drain: draining.current }),
        ),
      { what: 'the hypervisor', log, signal: starting },
    );
    const taken = await persist(
      async () =>
        takePresence(
          {
            store,
            keys,
            ttlSeconds: config.presence_ttl,
            log,
            presence: described,
            isKnown: wasKnown,
            lifetime: running.signal,
            onTakenAnew: () => serve(),
            onReplaced: end,
          },
          starting,
        ),
      { what: 'etcd', log, signal: starting },
    );
    presence = taken;
    taken.showTrouble(health.trouble);
    // Before there is room on this host: without it, guests may come up as nobody.
    await persist(metadata.open, { what: 'the metadata address', log, signal: starting });
    const images = await ImageCache.open(join(config.state_dir, 'images'), {
      settings: config.images,
      stallMs: config.timeouts.image_stall * 1000,
      onDownloads: createDownloadReport({ store, keys, host, session, presence: taken, log, signal: running.signal }),
      log,
    });
    const state = { mayClaim: true };
    const inTurn = pLimit(1);
    const provider = createOwnProvider({ capacity, host, now: Date.now });
    const reportRoom = createInventoryReport({ provider, capacity, host, config, log });
    const report = async (): Promise<void> =>
      inTurn(async () => {
        const resources = await probeResources(getConnection(), pool.folder);
        const imagesGiB = await probeImagesGiB(images);
        await reportRoom({ resources, imagesGiB, isLocked: !state.mayClaim || draining.isOn() });
      });
    await persist(report, { what: 'the inventory in Placement', log, signal: starting });

    const builds = pLimit(config.builds.parallel);
    const steps: StepDeps = {
      config,
      getConnection,
      lend,
      images,
      pool,
      network,
      filter,
      mark: { host, stateDir: config.state_dir },
      consolesDir: await ensureFolder(join(config.state_dir, 'consoles')),
      configDrivesDir: await ensureConfigDrivesDir(config.state_dir),
      virtType: await persist(async () => chooseVirtType(lend, { guests: config.guests, log }), {
        what: 'the hypervisor',
        log,
        signal: starting,
      }),
      isStarting: () => builds.activeCount + builds.pendingCount > 0,
    };
    addresses = createAddressWatch({
      getConnection,
      lend,
      config,
      deadlineMs: config.timeouts.address * 1000,
      periodMs: config.period * 1000,
      wake: (instance) => loop.wake(instance),
      log,
      signal: running.signal,
    });
    const writesBooted =
      config.booted &&
      (await persist(async () => mayWriteBooted(store, keys, log), {
        what: '/booted/ in etcd',
        log,
        signal: starting,
      }));
    const own = {
      store,
      keys,
      capacity,
      host,
      session,
      fence: taken.fence,
      health,
      writesBooted,
      log,
    };
    await persist(async () => migrateRecords(own), { what: 'the records of instances in etcd', log, signal: starting });
    const lostDomains = createLostDomains({ ...own, getConnection });
    reconciler = createInstanceReconciler({
      ...own,
      lostDomains,
      steps,
      tasks,
      bootId: await readBootId(),
      addresses,
      builds,
      mayClaim: () => state.mayClaim,
      isDraining: draining.isOn,
      wake: (instance) => loop.wake(instance),
    });
    followRequests({
      ...own,
      requested,
      loop,
      config,
      signal: running.signal,
      interrupt: (instance) => reconciler?.interrupt(instance),
    });
    draining.follow({
      relistMs: config.period * 1000,
      // Who sees that the host is drained can rely on it: Placement offers nothing there any more.
      onChange: async () => {
        await persist(report, { what: 'the inventory in Placement', log, signal: running.signal });
        taken.showDrain(draining.current);
        wakeAll();
      },
      signal: running.signal,
    });
    const audits = createAudits({ ...own, provider, steps, tasks, now: Date.now });
    const imageUpkeep = keepImages({
      ...own,
      config,
      images,
      countDisks: async () => lend('work', async (connection) => countDisksOnImages(connection, pool)),
      checkDisks: async () => lend('work', async (connection) => checkDisksAreThere(connection, pool, host)),
      signal: running.signal,
    });
    const served = createEndpoint({ config, store, keys, host, session, presence: taken, log });
    endpoint = served;
    serve();
    const upkeep = [...imageUpkeep, async (): Promise<void> => served.ensure()];
    const rest = async (): Promise<void> => {
      // V8 collects only when a program allocates, so at rest it would keep for hours what the last boots needed.
      if (loop.activeKeys.length === 0) await releaseMemory();
    };
    repeat([belonging.noteRevision, provider.look, report, lostDomains.review, ...upkeep, ...audits, rest], {
      everyMs: config.period * 1000,
      log,
      signal: running.signal,
    });
    log.info({ providerUuid: host }, 'ecompute is ready');

    return {
      host,
      ended,
      stop: async () => {
        state.mayClaim = false;
        await belonging.noteRevision();
        try {
          if (running.signal.aborted) await closeServers(servers, running);
          else await shutDown({ presence: taken, report, loop, images, servers, running, config, log });
        } finally {
          await served.close();
          await metadata.close();
          await unlock();
        }
      },
    };
  } catch (err) {
    await endpoint?.close();
    await closeServers(servers, running);
    await metadata.close();
    await unlock();
    throw etcdChanged ?? err;
  }
};
