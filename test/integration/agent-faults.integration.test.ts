import { join } from 'node:path';
import { agentConfigSchema } from '@etcd-compute/agent/config';
import { ensureDiskPool } from '@etcd-compute/agent/disks/disk-pool';
import { ensureFolder } from '@etcd-compute/agent/identity';
import { ImageCache } from '@etcd-compute/agent/images/cache';
import { takeFence } from '@etcd-compute/agent/fence';
import { TASKS } from '@etcd-compute/agent/instances/steps/tasks';
import { createInstanceReconciler, type InstanceReconciler } from '@etcd-compute/agent/instances/reconcile';
import { createGuestNetwork } from '@etcd-compute/agent/networks/guest-network';
import { createLeaseWatch } from '@etcd-compute/agent/networks/leases';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceState } from '@etcd-compute/common/etcd/messages/instance-record';
import { newProviderUuid, newSessionUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import { LibvirtError } from '@etcd-compute/libvirt/errors';
import pLimit from 'p-limit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askToDestroy, boot, findRecord, heldBy, startWorld, type World } from './agent-world.js';
import { createFaults, type Faults, type FaultScript } from './faulty.js';

/**
 * Every call that the building and the destroying of an instance make, to libvirt, etcd and Placement, fails once, and once is
 * carried out with its reply lost. The calls are counted, not listed here: a new step is covered by itself. After each fault the
 * same reconciler, or one that has lost its memory, is activated until nothing is left to do.
 */
let world: World;
let connection: Connection;
const host = newProviderUuid();
const faults = { libvirt: createFaults(), etcd: createFaults(), Placement: createFaults() };
type Server = keyof typeof faults;

beforeAll(async () => {
  world = await startWorld();
  connection = await connect('test:///default');
  await world.request('POST', '/resource_providers', { uuid: host, name: host });
  await world.request('PUT', `/resource_providers/${host}/inventories`, {
    inventories: { VCPU: { total: 1000 }, MEMORY_MB: { total: 1_000_000 }, DISK_GB: { total: 10_000 } },
    resource_provider_generation: 0,
  });
});
afterAll(async () => {
  await connection.close();
  await world[Symbol.asyncDispose]();
});

/** An agent's reconciler as after a start: it knows nothing. */
const startReconciler = async (): Promise<InstanceReconciler> => {
  const stateDir = join(world.dir.path, 'state');
  const config = agentConfigSchema.parse({ uuid: host, state_dir: stateDir, network: { cidr: '10.77.0.0/28' } });
  const log = silentLogger();
  const network = createGuestNetwork({ config: config.network, log });
  const pool = { name: 'ecompute', folder: join(stateDir, 'disks') };
  await ensureDiskPool(connection, pool);
  await network.open(connection);
  const faulty = faults.libvirt.wrap(connection);
  const getConnection = (): Connection => faulty;
  const { signal } = new AbortController();
  const session = newSessionUuid();
  return createInstanceReconciler({
    store: faults.etcd.wrap(world.store),
    keys: world.keys,
    placement: faults.Placement.wrap(world.client),
    host,
    session,
    fence: await takeFence({ store: world.store, keys: world.keys, host, session }),
    tasks: TASKS,
    bootId: 'this boot',
    steps: {
      config,
      getConnection,
      images: await ImageCache.open(join(stateDir, 'images'), { stallMs: 10_000, log }),
      pool,
      network,
      mark: { host, stateDir },
      consolesDir: await ensureFolder(join(stateDir, 'consoles')),
      virtType: 'test',
    },
    leases: createLeaseWatch({
      getConnection,
      networkName: 'ecompute',
      leaseSeconds: null,
      wake: () => undefined,
      signal,
    }),
    builds: pLimit(4),
    mayClaim: () => true,
    log,
  });
};

/** Numbers of virterror.h: 1 and 10 are an internal error of the QEMU driver, 39 and 7 one of the connection. */
const libvirtError = ({ code, domain }: { code: number; domain: number }, message: string): LibvirtError =>
  new LibvirtError({ code, domain, level: 2, message, functionName: 'virOnPurpose' });

const ERRORS: Readonly<Record<Server, Readonly<Record<FaultScript['mode'], () => Error>>>> = {
  libvirt: {
    fails: () => libvirtError({ code: 1, domain: 10 }, 'on purpose'),
    'reply-lost': () => libvirtError({ code: 39, domain: 7 }, 'connection lost'),
  },
  etcd: {
    fails: () => new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', 'on purpose', { retryable: true }),
    'reply-lost': () => new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', 'reply lost', { retryable: true }),
  },
  Placement: {
    fails: () => new EcomputeError('ECOMPUTE_PLACEMENT_FAILED', 'on purpose', { retryable: true }),
    'reply-lost': () => new EcomputeError('ECOMPUTE_PLACEMENT_UNREACHABLE', 'reply lost', { retryable: true }),
  },
};

/** Far more than one fault can cost. */
const MAX_ACTIVATIONS = 10;

/** Activates as the loop does, until an activation has nothing to complain about twice in a row. */
const settle = async (first: InstanceReconciler, instance: InstanceUuid, isForgetful: boolean): Promise<void> => {
  let reconciler = first;
  let quiet = 0;
  for (let count = 0; quiet < 2; count += 1) {
    if (count === MAX_ACTIVATIONS) throw new Error(`instance ${instance} does not settle`);
    try {
      await reconciler.activate(instance, new AbortController().signal);
      quiet += 1;
    } catch {
      quiet = 0;
      if (isForgetful) reconciler = await startReconciler();
    }
  }
};

const whatExists = async (): Promise<{ domains: string[]; volumes: string[] }> => {
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

const expectGone = async (instance: InstanceUuid): Promise<void> => {
  expect(await whatExists()).toEqual({ domains: [], volumes: [] });
  expect(await heldBy(world, instance)).toEqual({});
  expect(await world.store.get(world.keys.booted(instance))).toBeUndefined();
};

/** The world is as the record says, whichever way the build went. */
const expectTrueRecord = async (instance: InstanceUuid): Promise<void> => {
  const record = await findRecord(world, instance);
  if (record?.state !== 'active') {
    expect(record).toMatchObject({ state: 'error', fault: { code: expect.stringMatching(/^ECOMPUTE_/) } });
    await expectGone(instance);
    return;
  }
  expect(await whatExists()).toEqual({ domains: [`${instance} running`], volumes: [`${instance}.img`] });
  expect(await heldBy(world, instance)).not.toEqual({});
  expect((await world.store.get(world.keys.booted(instance)))?.value).toBe(record.addresses[0]?.address);
};

interface Round {
  readonly server: Faults;
  readonly script: FaultScript;
  readonly isForgetful: boolean;
  /** How a build may end. A server that was away for a moment is no reason to fail one. */
  readonly ends: readonly InstanceState[];
}

const buildUnder = async (instance: InstanceUuid, { server, script, isForgetful, ends }: Round): Promise<void> => {
  const reconciler = await startReconciler();
  server.arm(script);
  await settle(reconciler, instance, isForgetful);
  server.disarm();
  expect(ends).toContain((await findRecord(world, instance))?.state);
  await expectTrueRecord(instance);
};

/** A build that failed is destroyed, and another instance takes its place: a destroy is to have all its calls. */
const ensureActive = async (reconciler: InstanceReconciler, instance: InstanceUuid): Promise<InstanceUuid> => {
  if ((await findRecord(world, instance))?.state === 'active') return instance;
  await askToDestroy(world, host, instance);
  await settle(reconciler, instance, false);
  await expectGone(instance);
  const other = await boot(world, host);
  await settle(reconciler, other, false);
  return other;
};

const destroyUnder = async (built: InstanceUuid, { server, script, isForgetful }: Round): Promise<void> => {
  const reconciler = await startReconciler();
  const instance = await ensureActive(reconciler, built);
  await askToDestroy(world, host, instance);
  server.arm(script);
  await settle(reconciler, instance, isForgetful);
  server.disarm();
  expect(await findRecord(world, instance)).toMatchObject({ state: 'deleted' });
  expect(await world.store.get(world.keys.request(host, instance))).toBeUndefined();
  await expectGone(instance);
};

const cases = (['libvirt', 'etcd', 'Placement'] as const).flatMap((server) =>
  (['fails', 'reply-lost'] as const).map((mode) => ({ server, mode })),
);

/** What surely is among the calls: otherwise nothing was wrapped. */
const KNOWN_CALLS = {
  libvirt: ['createVolume', 'domainDefineXML', 'create', 'destroy', 'undefineFlags'],
  etcd: ['getMany', 'txn', 'grantLease'],
  Placement: ['send'],
} as const;

test.each(cases)(
  'each call to $server $mode once: it settles, the record is true, and nothing is left in the end',
  { timeout: 300_000 },
  async ({ server, mode }) => {
    const faulty = faults[server];
    const ends: readonly InstanceState[] = server === 'libvirt' && mode === 'fails' ? ['active', 'error'] : ['active'];
    const hits: string[] = [];
    for (let nth = 1, isOver = false; !isOver; nth += 1) {
      const script = { nth, mode, error: ERRORS[server][mode] };
      const round = { server: faulty, script, isForgetful: nth % 2 === 0, ends };
      isOver = true;
      const instance = await boot(world, host);
      for (const run of [buildUnder, destroyUnder]) {
        try {
          await run(instance, round);
        } catch (cause) {
          throw new Error(`${run.name}: call ${nth} to ${server}, ${faulty.hit ?? 'none'}: ${mode}`, { cause });
        }
        if (faulty.hit === undefined) continue;
        hits.push(faulty.hit);
        isOver = false;
      }
    }
    expect(hits).toEqual(expect.arrayContaining([...KNOWN_CALLS[server]]));
  },
);
