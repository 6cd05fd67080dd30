import { join } from 'node:path';
import { ReconcileLoop } from '@etcd-compute/common/async/reconcile-loop';
import { withDeadline } from '@etcd-compute/common/async/deadline';
import { createKeys, type Keys } from '@etcd-compute/common/etcd/keys';
import type { Presence } from '@etcd-compute/common/etcd/messages/presence';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { watchPrefix } from '@etcd-compute/common/etcd/watch-prefix';
import { newSessionUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { openPlacement, type PlacementClient } from '@etcd-compute/common/placement/client';
import { listResourceProviders } from '@etcd-compute/common/placement/resource-providers';
import { configureThreads } from '@etcd-compute/libvirt/threads';
import pLimit from 'p-limit';
import { createAllocationAudit } from './audits/allocations.js';
import { createDomainAudit } from './audits/domains.js';
import { repeat } from './audits/repeat.js';
import type { AgentConfig } from './config.js';
import { ensureDiskPool } from './disks/disk-pool.js';
import { checkIdentity, ensureFolder, ensureIdentity, warnOfClosedFolder } from './identity.js';
import { ImageCache } from './images/cache.js';
import { isElsewhere } from './instances/fault.js';
import { createInstanceReconciler, type InstanceReconciler } from './instances/reconcile.js';
import type { StepDeps } from './instances/steps/step.js';
import { probeCapacity } from './inventory/probe.js';
import { reportInventory } from './inventory/report.js';
import { openLibvirtLink, type LibvirtLink } from './libvirt-link.js';
import { createGuestNetwork } from './networks/guest-network.js';
import { createLeaseWatch } from './networks/leases.js';
import { persist } from './persist.js';
import { takePresence, type PresenceKeeper } from './presence.js';
import { identifyThisProcess } from './process-identity.js';
import { VERSION } from './version.js';
import { chooseVirtType } from './virt-type.js';

/**
 * The composition root: the only file that wires the parts of the agent together.
 *
 * What the agent knows is in etcd, Placement and libvirt; what it keeps in memory can be lost at any moment.
 */
export interface Agent {
  readonly host: ProviderUuid;
  /**
   * Takes nothing new, locks the inventory, lets builds in hand finish within `timeouts.shutdown`, and leaves. Guests go on; a build
   * that did not finish is taken up by the next start.
   */
  stop(): Promise<void>;
}

interface Servers {
  readonly store: Store;
  readonly placement: PlacementClient;
  readonly link: LibvirtLink;
}

export interface StartOptions {
  readonly config: AgentConfig;
  readonly log: Logger;
  /** Ends the start while it waits for a server. */
  readonly signal: AbortSignal;
}

/** @throws EcomputeError when a person must act first; a server that is away is waited for. */
export const startAgent = async ({ config, log: root, signal }: StartOptions): Promise<Agent> => {
  const log = root.child({ component: 'agent' });
  await ensureFolder(config.state_dir);
  const host = await ensureIdentity(config.state_dir, config.uuid);
  const session = newSessionUuid();
  log.info({ providerUuid: host, session, name: config.name, version: VERSION }, 'ecompute starts');
  configureThreads({ maxThreads: config.libvirt.threads });

  const running = new AbortController();
  const keys = createKeys(config.etcd.prefix);
  const pool = { name: config.disks.pool, folder: join(config.state_dir, 'disks') };
  const network = createGuestNetwork({ config: config.network, log });
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
  const wakeAll = (): void => {
    for (const instance of requested) loop.wake(instance);
  };

  const servers = {
    store: await openStore(config.etcd),
    placement: await openPlacement(config.placement),
    link: openLibvirtLink({
      uri: config.libvirt.uri,
      log,
      signal: running.signal,
      onUp: async (connection) => {
        await ensureDiskPool(connection, pool);
        await network.open(connection);
        wakeAll();
      },
      onDomainEvent: (instance) => {
        if (requested.has(instance)) loop.wake(instance);
      },
    }),
  };
  const { store, placement, link } = servers;
  try {
    await waitForServers(servers, { log, signal });
    await persist(async () => checkIdentity(link.getConnection(), { host, stateDir: config.state_dir }), {
      what: 'libvirt',
      log,
      signal,
    });
    await warnOfClosedFolder(pool.folder, log);
    const presence = await persist(
      async () =>
        takePresence(
          {
            store,
            keys,
            ttlSeconds: config.presence_ttl,
            log,
            presence: await describe(link, { config, host, session }),
            lifetime: running.signal,
          },
          AbortSignal.any([signal, running.signal]),
        ),
      { what: 'etcd', log, signal },
    );
    const state = { mayClaim: true };
    const inTurn = pLimit(1);
    const report = async (): Promise<void> =>
      inTurn(async () => {
        const capacity = await probeCapacity(link.getConnection(), pool.folder);
        await reportInventory({ placement, host, config, capacity, isLocked: !state.mayClaim, log });
      });
    await persist(report, { what: 'the inventory in Placement', log, signal });

    const steps: StepDeps = {
      config,
      getConnection: link.getConnection,
      images: await ImageCache.open(join(config.state_dir, 'images'), {
        stallMs: config.timeouts.image_stall * 1000,
        log,
      }),
      pool,
      network,
      mark: { host, stateDir: config.state_dir },
      consolesDir: await ensureFolder(join(config.state_dir, 'consoles')),
      virtType: await persist(async () => chooseVirtType(link.getConnection(), { guests: config.guests, log }), {
        what: 'the hypervisor',
        log,
        signal,
      }),
    };
    const leases = createLeaseWatch({
      getConnection: link.getConnection,
      networkName: config.network.name,
      leaseSeconds: config.network.manage ? config.network.lease_seconds : null,
      wake: (instance) => loop.wake(instance),
      signal: running.signal,
    });
    reconciler = createInstanceReconciler({
      store,
      keys,
      placement,
      host,
      session,
      steps,
      leases,
      log,
      builds: pLimit(config.builds.parallel),
      mayClaim: () => state.mayClaim,
    });
    followRequests({
      store,
      keys,
      host,
      requested,
      loop,
      config,
      log,
      signal: running.signal,
      interrupt: (instance) => reconciler?.interrupt(instance),
    });
    const allocationAudit = createAllocationAudit({
      store,
      keys,
      placement,
      host,
      graceMs: config.audit.grace * 1000,
      now: Date.now,
      log,
    });
    const domainAudit = createDomainAudit({ store, keys, host, steps, log });
    repeat([report, allocationAudit.run, domainAudit.run], {
      everyMs: config.period * 1000,
      log,
      signal: running.signal,
    });
    log.info({ providerUuid: host }, 'ecompute is ready');

    return {
      host,
      stop: async () => {
        state.mayClaim = false;
        await shutDown({ presence, report, loop, servers, running, config, log });
      },
    };
  } catch (err) {
    await close(servers, running);
    throw err;
  }
};

interface WaitOptions {
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** All three at once, so that the log says at once all that is missing. */
const waitForServers = async ({ store, placement, link }: Servers, { log, signal }: WaitOptions): Promise<void> => {
  await Promise.all([
    persist(async () => store.get('/'), { what: `etcd at ${store.endpoints}`, log, signal }),
    persist(async () => listResourceProviders(placement), { what: `Placement at ${placement.endpoint}`, log, signal }),
    link.waitUp(signal),
  ]);
};

interface DescribeOptions {
  readonly config: AgentConfig;
  readonly host: ProviderUuid;
  readonly session: Presence['session'];
}

const describe = async (link: LibvirtLink, { config, host, session }: DescribeOptions): Promise<Presence> => {
  const connection = link.getConnection();
  const version = await connection.getVersion();
  return {
    version: 1,
    host,
    hostname: config.name,
    session,
    state: 'up',
    agent_version: VERSION,
    hypervisor: {
      type: await connection.getType(),
      version: [version / 1_000_000, (version / 1_000) % 1_000, version % 1_000].map(Math.floor).join('.'),
      uri: config.libvirt.uri,
    },
    started_at: new Date().toISOString(),
    process: await identifyThisProcess(),
  };
};

interface FollowOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly requested: Set<InstanceUuid>;
  readonly loop: ReconcileLoop<InstanceUuid>;
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly interrupt: (instance: InstanceUuid) => void;
}

/** Every boot request of this host wakes its instance: at the start, when it changes, and once a period. */
const followRequests = ({
  store,
  keys,
  host,
  requested,
  loop,
  config,
  log,
  signal,
  interrupt,
}: FollowOptions): void => {
  /** Keys that are no boot requests: said once, not at every look. */
  const foreign = new Set<string>();
  const wake = (key: string): void => {
    const instance = keys.parseRequest(key)?.instance;
    if (instance === undefined) {
      if (!foreign.has(key)) log.warn({ etcdKey: key }, 'key is no boot request, left as it is');
      foreign.add(key);
      return;
    }
    requested.add(instance);
    interrupt(instance);
    loop.wake(instance);
  };
  void watchPrefix({
    store,
    prefix: keys.requestsOf(host),
    relistMs: config.period * 1000,
    onList: (entries) => {
      requested.clear();
      const listed = new Set(entries.map(({ key }) => key));
      for (const key of foreign) if (!listed.has(key)) foreign.delete(key);
      for (const key of listed) wake(key);
    },
    onChange: (changed) => {
      for (const key of changed) wake(key);
    },
    onTrouble: (err, nextInMs) => log.warn({ err, nextInMs }, 'boot requests not followed, trying again'),
    signal,
  });
};

interface ShutDownOptions {
  readonly presence: PresenceKeeper;
  readonly report: () => Promise<void>;
  readonly loop: ReconcileLoop<InstanceUuid>;
  readonly servers: Servers;
  readonly running: AbortController;
  readonly config: AgentConfig;
  readonly log: Logger;
}

const shutDown = async ({ presence, report, loop, servers, running, config, log }: ShutDownOptions): Promise<void> => {
  const timeoutMs = config.timeouts.shutdown * 1000;
  const attempt = async (what: string, task: () => Promise<void>): Promise<void> => {
    try {
      await withDeadline(task, { timeoutMs, what });
    } catch (err) {
      log.error({ err }, `shutdown goes on without: ${what}`);
    }
  };
  log.info('locking inventory by reserving VCPU');
  await Promise.all([
    attempt('showing the host as draining', presence.drain),
    attempt('locking the inventory', report),
    attempt('finishing the builds in hand', async () => loop.idle()),
  ]);
  await attempt('giving up the lease', presence.leave);
  loop.close();
  await close(servers, running);
  log.info('ecompute has stopped, guests go on');
};

const close = async ({ store, placement, link }: Servers, running: AbortController): Promise<void> => {
  running.abort();
  await link[Symbol.asyncDispose]();
  placement.close();
  await store.close();
};
