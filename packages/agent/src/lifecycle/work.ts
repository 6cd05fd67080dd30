import { join } from 'node:path';
import { ReconcileLoop } from '@etcd-compute/common/async/reconcile-loop';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { releaseMemory } from '@etcd-compute/libvirt/threads';
import pLimit, { type LimitFunction } from 'p-limit';
import { createAddressWatch, type AddressWatch } from '../addresses/address-watch.js';
import { createAudits } from '../audits/audits.js';
import { repeat } from '../audits/repeat.js';
import { checkDisksAreThere } from '../disks/check-disks.js';
import { countDisksOnImages } from '../disks/disk-pool.js';
import type { Endpoint } from '../endpoint/endpoint.js';
import { ensureConfigDrivesDir } from '../guest-config/config-drives.js';
import type { ImageCache } from '../images/cache/cache.js';
import { createFrozenGuests } from '../snapshots/frozen-guests.js';
import { keepImages } from '../images/wishes/keep-images.js';
import { mayWriteBooted } from '../instances/booted.js';
import { followRequests } from '../instances/follow-requests.js';
import { createLostDomains } from '../instances/lost-domains.js';
import { migrateRecords } from '../instances/migrate.js';
import { createInstanceReconciler, type InstanceReconciler } from '../instances/reconcile.js';
import type { Tasks } from '../kinds/tasks.js';
import { ensureFolder } from '../known-servers/identity.js';
import type { LibvirtLink } from '../libvirt/link.js';
import { chooseVirtType } from '../libvirt/virt-type.js';
import { readBootId } from '../process/process-identity.js';
import { isElsewhere } from '../servers/fault.js';
import { persist } from '../servers/persist.js';
import type { StepDeps } from '../steps/step.js';
import type { Beginning, Connected } from './connect.js';
import type { Joined } from './join.js';

export interface WorkOptions {
  readonly joined: Joined;
  readonly endpoint: Endpoint;
  readonly tasks: Tasks;
  /** Ends the waiting for servers. */
  readonly signal: AbortSignal;
}

/**
 * Starts all that an agent does: it carries out boot requests and other wishes, and looks after the host once a period.
 *
 * @returns the loop over instances, which goes on until the lifetime ends.
 */
export const startWork = async (
  beginning: Beginning,
  connected: Connected,
  { joined, endpoint, tasks, signal }: WorkOptions,
): Promise<ReconcileLoop<InstanceUuid>> => {
  const { config, identity, session, keys, pool, lifetime, events, log } = beginning;
  const { host } = identity;
  const { store, capacity, link } = connected.servers;
  const { getConnection, lend } = link;
  const { health, presence, draining, images, provider, reportInventory } = joined;
  const running = lifetime.signal;

  const builds = pLimit(config.builds.parallel);
  const steps = await openSteps(beginning, connected, { images, builds, signal });
  void steps.frozen.thawLeft();
  const addresses = watchAddresses(beginning, link);
  const writesBooted =
    config.booted &&
    (await persist(async () => mayWriteBooted(store, keys, log), { what: '/booted/ in etcd', log, signal }));
  const own = { store, keys, capacity, host, session, fence: presence.fence, health, writesBooted, log };
  await persist(async () => migrateRecords(own), { what: 'the records of instances in etcd', log, signal });
  const lostDomains = createLostDomains({ ...own, getConnection });
  const reconciler = createInstanceReconciler({
    ...own,
    lostDomains,
    steps,
    tasks,
    bootId: await readBootId(),
    addresses,
    builds,
    mayClaim: () => lifetime.mayClaim,
    isDraining: draining.isOn,
    wake: (instance) => events.emit('wake', instance),
  });
  const { loop, wakeAll } = reconcileRequests(beginning, { store, reconciler });
  draining.follow({
    relistMs: config.period * 1000,
    // Who sees that the host is drained can rely on it: Placement offers nothing there any more.
    onChange: async () => {
      await persist(reportInventory, { what: 'the inventory in Placement', log, signal: running });
      presence.showDrain(draining.current);
      wakeAll();
    },
    signal: running,
  });
  const audits = createAudits({ ...own, provider, steps, tasks, now: Date.now });
  const imageUpkeep = keepImages({
    ...own,
    config,
    images,
    countDisks: async () => lend('work', async (connection) => countDisksOnImages(connection, pool)),
    checkDisks: async () => lend('work', async (connection) => checkDisksAreThere(connection, pool, host)),
    signal: running,
  });
  const upkeep = [steps.frozen.thawLeft, ...imageUpkeep, async (): Promise<void> => endpoint.ensure()];
  const rest = async (): Promise<void> => {
    // V8 collects only when a program allocates, so at rest it would keep for hours what the last boots needed.
    if (loop.activeKeys.length === 0) await releaseMemory();
  };
  const { noteRevision } = connected.belonging;
  repeat([noteRevision, provider.look, reportInventory, lostDomains.review, ...upkeep, ...audits, rest], {
    everyMs: config.period * 1000,
    log,
    signal: running,
  });
  return loop;
};

interface StepsNeeds {
  readonly images: ImageCache;
  readonly builds: LimitFunction;
  readonly signal: AbortSignal;
}

const openSteps = async (
  { config, identity: { host }, pool, log }: Beginning,
  { servers: { capacity, link }, networks, filter }: Connected,
  { images, builds, signal }: StepsNeeds,
): Promise<StepDeps> => ({
  config,
  capacity,
  getConnection: link.getConnection,
  lend: link.lend,
  images,
  frozen: createFrozenGuests({ folder: join(config.state_dir, 'frozen'), lend: link.lend, log }),
  pool,
  networks,
  filter,
  mark: { host, stateDir: config.state_dir },
  consolesDir: await ensureFolder(join(config.state_dir, 'consoles')),
  configDrivesDir: await ensureConfigDrivesDir(config.state_dir),
  virtType: await persist(async () => chooseVirtType(link.lend, { guests: config.guests, log }), {
    what: 'the hypervisor',
    log,
    signal,
  }),
  isStarting: () => builds.activeCount + builds.pendingCount > 0,
});

const watchAddresses = (
  { config, lifetime, events, log }: Beginning,
  { getConnection, lend }: LibvirtLink,
): AddressWatch => {
  const addresses = createAddressWatch({
    getConnection,
    lend,
    config,
    deadlineMs: config.timeouts.address * 1000,
    periodMs: config.period * 1000,
    wake: (instance) => events.emit('wake', instance),
    log,
    signal: lifetime.signal,
  });
  events.on('guest-agent', (instance, isConnected) => addresses.agentChanged(instance, isConnected));
  events.on('libvirt-up', () => addresses.reset());
  return addresses;
};

interface ReconcileNeeds {
  readonly store: Store;
  readonly reconciler: InstanceReconciler;
}

/** Runs the reconciler for each instance with a boot request here: when the request changes, at each event, and once a period. */
const reconcileRequests = (
  { config, identity: { host }, keys, lifetime, events, log }: Beginning,
  { store, reconciler }: ReconcileNeeds,
): { loop: ReconcileLoop<InstanceUuid>; wakeAll: () => void } => {
  const { signal } = lifetime;
  const requested = new Set<InstanceUuid>();
  const loop = new ReconcileLoop<InstanceUuid>({
    activate: async (instance, loopSignal) => reconciler.activate(instance, loopSignal),
    onError: (instanceUuid, err, { nextInMs, isRepeat }) => {
      const level = isElsewhere(err) ? 'warn' : 'error';
      log[isRepeat ? 'debug' : level]({ err, instanceUuid, nextInMs }, 'instance not reconciled, trying again');
    },
    backoffMs: { minMs: 500, maxMs: 30_000 },
    signal,
  });
  const wakeAll = (): void => {
    for (const instance of requested) loop.wake(instance);
  };
  events.on('wake', (instance) => loop.wake(instance));
  events.on('domain', (instance) => {
    if (requested.has(instance)) loop.wake(instance);
  });
  events.on('libvirt-up', wakeAll);
  const interrupt = (instance: InstanceUuid): void => reconciler.interrupt(instance);
  followRequests({ store, keys, host, requested, loop, config, log, signal, interrupt });
  return { loop, wakeAll };
};
