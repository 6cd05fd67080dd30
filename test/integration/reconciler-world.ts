import { join } from 'node:path';
import { takeFence } from '@etcd-compute/agent/session/fence';
import { listConfigDrives } from '@etcd-compute/agent/guest-config/config-drives';
import { createLostDomains } from '@etcd-compute/agent/instances/lost-domains';
import { createInstanceReconciler, type InstanceReconciler } from '@etcd-compute/agent/instances/reconcile';
import { TASKS, type Tasks } from '@etcd-compute/agent/kinds/tasks';
import { isBuilt } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Store } from '@etcd-compute/common/etcd/store';
import { newProviderUuid, newSessionUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import pLimit from 'p-limit';
import { expect } from 'vitest';
import { findRecord, heldBy, startWorld, type World } from './agent-world.js';
import { createPlacementCapacity } from '@etcd-compute/common/capacity/placement-capacity';
import { createFaults, type Faults } from './faulty.js';
import { addRoomyHost, openAddressWatch, openStepDeps } from './step-deps.js';

/**
 * An agent's reconciler inside the test, on real servers and libvirt's test driver, with every call to them countable. What an
 * agent adds to it (its loop, its watch) is played by `settle`.
 */
export interface ReconcilerWorld extends World {
  readonly host: ProviderUuid;
  readonly configDrivesDir: string;
  readonly faults: { readonly libvirt: Faults; readonly etcd: Faults; readonly Placement: Faults };
  /** A reconciler as after a start of the agent: it knows nothing. */
  startReconciler(
    tasks?: Tasks,
    options?: { readonly store?: Store; readonly wake?: (instance: InstanceUuid) => void },
  ): Promise<InstanceReconciler>;
  /** All domains with their states, and all disks. */
  whatExists(): Promise<{ domains: string[]; volumes: string[] }>;
  /** What a guest or a person does to a domain. */
  turnOff(instance: InstanceUuid): Promise<void>;
  expectGone(instance: InstanceUuid): Promise<void>;
  /** What libvirt, Placement and etcd hold is what the record says, and there is nothing else. */
  expectTrueRecord(instance: InstanceUuid): Promise<void>;
}

export const startReconcilerWorld = async (): Promise<ReconcilerWorld> => {
  const world = await startWorld();
  const connection = await connect('test:///default');
  const host = newProviderUuid();
  const faults = { libvirt: createFaults(), etcd: createFaults(), Placement: createFaults() };
  await addRoomyHost(world, host);
  const whatExists = async (): Promise<{ domains: string[]; volumes: string[] }> => listAll(connection);
  const configDrivesDir = join(world.dir.path, 'state', 'config-drives');
  const expectGone = async (instance: InstanceUuid): Promise<void> => {
    expect(await whatExists()).toEqual({ domains: [], volumes: [] });
    expect(await listConfigDrives(configDrivesDir)).toEqual([]);
    expect(await heldBy(world, instance)).toEqual({});
    expect(await world.store.get(world.keys.booted(instance))).toBeUndefined();
  };
  return {
    ...world,
    host,
    configDrivesDir,
    faults,
    startReconciler: async (tasks = TASKS, { store = world.store, wake = () => undefined } = {}) =>
      startReconciler(world, { connection, host, faults, tasks, store, wake }),
    whatExists,
    turnOff: async (instance) => {
      await using domain = await connection.domainLookupByUUID(instance);
      await domain.destroy();
    },
    expectGone,
    expectTrueRecord: async (instance) => {
      const record = await findRecord(world, instance);
      if (!record || !isBuilt(record)) {
        expect(record).toMatchObject({ state: 'error', fault: { code: expect.stringMatching(/^ECOMPUTE_/) } });
        await expectGone(instance);
        return;
      }
      const up = record.paused === null ? 'running' : 'paused';
      const domain = record.state === 'active' ? up : 'shutoff';
      expect(await whatExists()).toEqual({ domains: [`${instance} ${domain}`], volumes: [`${instance}.img`] });
      expect(await listConfigDrives(configDrivesDir)).toEqual([instance]);
      expect(await heldBy(world, instance)).not.toEqual({});
      expect((await world.store.get(world.keys.booted(instance)))?.value).toBe(record.addresses[0]?.address);
      expect(record.step).toBeNull();
    },
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      await world[Symbol.asyncDispose]();
    },
  };
};

interface ReconcilerParts {
  readonly connection: Connection;
  readonly host: ProviderUuid;
  readonly faults: ReconcilerWorld['faults'];
  readonly tasks: Tasks;
  readonly store: Store;
  readonly wake: (instance: InstanceUuid) => void;
}

const startReconciler = async (
  world: World,
  { connection, host, faults, tasks, store, wake }: ReconcilerParts,
): Promise<InstanceReconciler> => {
  const seen = faults.libvirt.wrap(connection);
  const steps = await openStepDeps(world, { host, cidr: '10.77.0.0/28', connection, seen });
  const session = newSessionUuid();
  const own = { store: faults.etcd.wrap(store), keys: world.keys, host, session, log: silentLogger() };
  return createInstanceReconciler({
    ...own,
    capacity: createPlacementCapacity(faults.Placement.wrap(world.client)),
    fence: await takeFence({ ...own, store: world.store }),
    lostDomains: createLostDomains({ ...own, getConnection: steps.getConnection, health: { report: () => undefined } }),
    tasks,
    bootId: 'this boot',
    writesBooted: true,
    steps,
    addresses: openAddressWatch(steps),
    builds: pLimit(4),
    mayClaim: () => true,
    wake,
  });
};

const listAll = async (connection: Connection): Promise<{ domains: string[]; volumes: string[] }> => {
  const domains: string[] = [];
  for (const domain of await connection.listAllDomains()) {
    await using handle = domain;
    if (handle.name !== 'test') domains.push(`${handle.uuid} ${(await handle.getState()).state}`);
  }
  await using pool = await connection.storagePoolLookupByName('ecompute');
  const volumes: string[] = [];
  for (const volume of await pool.listAllVolumes()) {
    await using handle = volume;
    volumes.push(handle.name);
  }
  return { domains, volumes };
};

/** Far more than one fault can cost. */
const MAX_ACTIVATIONS = 10;

/**
 * Activates as the loop does, until an activation has nothing to complain about twice in a row.
 *
 * @param onFailure what takes over after a failure: the same reconciler, or one that has lost its memory.
 */
export const settle = async (
  first: InstanceReconciler,
  instance: InstanceUuid,
  onFailure: () => Promise<InstanceReconciler> = async () => first,
): Promise<void> => {
  let reconciler = first;
  let quiet = 0;
  for (let count = 0; quiet < 2; count += 1) {
    if (count === MAX_ACTIVATIONS) throw new Error(`instance ${instance} does not settle`);
    try {
      await reconciler.activate(instance, new AbortController().signal);
      quiet += 1;
    } catch {
      quiet = 0;
      reconciler = await onFailure();
    }
  }
};
