import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAudits } from '@etcd-compute/agent/audits/audits';
import { findForgotten } from '@etcd-compute/agent/inventory/forgotten';
import { createOwnProvider } from '@etcd-compute/agent/inventory/own-provider';
import { takeFence, type Fence } from '@etcd-compute/agent/session/fence';
import { createHealth } from '@etcd-compute/agent/session/health';
import { renderMark } from '@etcd-compute/agent/domains/domain';
import { createLostDomains } from '@etcd-compute/agent/instances/lost-domains';
import { createInstanceReconciler, type InstanceReconciler } from '@etcd-compute/agent/instances/reconcile';
import type { StepDeps } from '@etcd-compute/agent/steps/step';
import { TASKS } from '@etcd-compute/agent/kinds/tasks';
import { hostAuditSchema, type HostAudit } from '@etcd-compute/common/etcd/messages/host-audit';
import { EcomputeError } from '@etcd-compute/common/errors';
import {
  newDiskUuid,
  newInstanceUuid,
  newProviderUuid,
  newSessionUuid,
  type InstanceUuid,
} from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { renderStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';
import pLimit from 'p-limit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { allocateByHand, boot, findRecord, heldBy, startWorld, type World } from '../fixtures/agent-world.js';
import { addRoomyHost, openAddressWatch, openStepDeps } from '../fixtures/step-deps.js';

/**
 * The audits of a host whose hypervisor the test shares with them: it makes what a crash, a person or another program leaves, and
 * each look is one call.
 */
let world: World;
let connection: Connection;
let steps: StepDeps;
let reconciler: InstanceReconciler;
let problems: unknown[] = [];
let clock = Date.parse('2026-01-01T00:00:00Z');
const host = newProviderUuid();
const log = silentLogger();
const health = createHealth({ onChange: () => undefined, log });

beforeAll(async () => {
  world = await startWorld();
  connection = await connect('test:///default');
  await addRoomyHost(world, host);
  steps = await openStepDeps(world, { host, cidr: '10.80.0.0/28', connection });
});
afterAll(async () => {
  await connection.close();
  await world[Symbol.asyncDispose]();
});

/** An agent as after a start. @returns one look of all its audits. */
const startAudits = async (
  audit: Partial<StepDeps['config']['audit']> = {},
  getConnection: StepDeps['getConnection'] = steps.getConnection,
  known?: Fence,
): Promise<() => Promise<HostAudit | undefined>> => {
  const session = newSessionUuid();
  const fence = known ?? (await takeFence({ ...world, host, session }));
  const shared = {
    store: world.store,
    keys: world.keys,
    capacity: world.capacity,
    host,
    session,
    fence,
    steps,
    health,
    log,
  };
  const configured = {
    ...steps,
    getConnection,
    config: { ...steps.config, audit: { ...steps.config.audit, ...audit } },
  };
  reconciler = createInstanceReconciler({
    ...shared,
    lostDomains: createLostDomains({ ...shared, getConnection: steps.getConnection }),
    tasks: TASKS,
    bootId: 'a',
    writesBooted: true,
    addresses: openAddressWatch(steps),
    builds: pLimit(4),
    mayClaim: () => true,
    isDraining: () => false,
    wake: () => undefined,
  });
  const audits = createAudits({
    ...shared,
    steps: configured,
    tasks: TASKS,
    capacity: world.capacity,
    provider: createOwnProvider({ capacity: world.capacity, host, now: () => clock }),
    now: () => clock,
  });
  return async () => {
    for (const run of audits) await run().catch((err: unknown) => problems.push(err));
    const entry = await world.store.get(world.keys.audit(host));
    return entry && hostAuditSchema.parse(JSON.parse(entry.value));
  };
};
let look: () => Promise<HostAudit | undefined>;
beforeEach(async () => {
  problems = [];
  look = await startAudits();
});

/** What the report says of an instance, and nothing of others. */
const kindsOf = (report: HostAudit | undefined, instance: InstanceUuid): string[] =>
  (report?.findings ?? []).filter((finding) => finding.instance === instance).map(({ kind }) => kind);

const activate = async (instance: InstanceUuid): Promise<void> => {
  await reconciler.activate(instance, new AbortController().signal);
};

const bootHere = async (): Promise<InstanceUuid> => {
  const instance = await boot(world, host);
  await activate(instance);
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active' });
  return instance;
};

const del = async (key: string): Promise<void> => {
  await world.etcdctl('del', key);
};

const makeDomain = async (uuid: string, mark?: { host: typeof host; stateDir: string }): Promise<void> => {
  const xml = renderDomain({
    type: 'test',
    uuid,
    name: uuid,
    vcpus: 1,
    memoryMiB: 64,
    disks: [],
    interfaces: [],
    serial: {},
    hasRng: false,
    metadata: mark ? [renderMark(mark)] : [],
    onPoweroff: 'destroy',
    onReboot: 'restart',
    onCrash: 'destroy',
  });
  await using domain = await connection.domainDefineXML(xml);
  await domain.create();
};

const makeVolume = async (name: string): Promise<void> => {
  await using pool = await connection.storagePoolLookupByName('ecompute');
  await using _volume = await pool.createVolume(renderStorageVolume({ name, capacityBytes: 1024n, format: 'raw' }));
};

const listWorld = async (): Promise<Record<'domains' | 'volumes' | 'consoles' | 'configDrives', string[]>> => {
  const domains: string[] = [];
  for (const domain of await connection.listAllDomains()) {
    await using handle = domain;
    domains.push(handle.name);
  }
  await using pool = await connection.storagePoolLookupByName('ecompute');
  const volumes: string[] = [];
  for (const volume of await pool.listAllVolumes()) {
    await using handle = volume;
    volumes.push(handle.name);
  }
  return {
    domains: domains.toSorted(),
    volumes: volumes.toSorted(),
    consoles: await readdir(steps.consolesDir),
    configDrives: await readdir(steps.configDrivesDir),
  };
};

/** What `eschedule audit --fix` writes. */
const wishGone = async (instance: InstanceUuid): Promise<void> => {
  const wish = { allocations: {}, consumer_generation: null, instance, image: null };
  await world.etcdctl('put', world.keys.request(host, instance), JSON.stringify(wish));
};

describe('what is left over on a host', () => {
  test('a domain, its disk and its console log are found; a wish to destroy them removes them, and may be repeated', async () => {
    const instance = await bootHere();
    await writeFile(join(steps.consolesDir, `${instance}.log`), 'login:');
    await writeFile(join(steps.consolesDir, `${instance}.log.0`), 'boot');
    expect(kindsOf(await look(), instance)).toEqual([]);
    await del(world.keys.request(host, instance));
    await del(world.keys.report(host, instance));
    const kinds = ['console-log-without-request', 'disk-without-request', 'domain-without-request'];
    expect(kindsOf(await look(), instance)).toEqual(kinds);
    for (const _ of ['first', 'again']) {
      await wishGone(instance);
      await activate(instance);
      expect(await findRecord(world, instance)).toMatchObject({ state: 'deleted' });
      expect(await world.store.get(world.keys.request(host, instance))).toBeUndefined();
    }
    expect(kindsOf(await look(), instance)).toEqual([]);
    expect(JSON.stringify(await listWorld())).not.toContain(instance);
    expect(await heldBy(world, instance)).toEqual({});
  });

  const parts = [
    { what: 'domain', kind: 'domain-without-request' },
    { what: 'disk', kind: 'disk-without-request' },
    { what: 'further disk', kind: 'disk-without-request' },
    { what: 'config drive', kind: 'disk-without-request' },
    { what: 'console log', kind: 'console-log-without-request' },
  ] as const;
  test.each(parts)('only a $what: found, and removed by a wish', async ({ what, kind }) => {
    const instance = newInstanceUuid();
    if (what === 'domain') await makeDomain(instance, steps.mark);
    if (what === 'disk') await makeVolume(`${instance}.img`);
    if (what === 'further disk') await makeVolume(`${instance}.${newDiskUuid()}.img`);
    if (what === 'config drive') await writeFile(join(steps.configDrivesDir, `${instance}.iso`), 'label');
    if (what === 'console log') await writeFile(join(steps.consolesDir, `${instance}.log.1`), 'login:');
    expect(kindsOf(await look(), instance)).toEqual([kind]);
    await wishGone(instance);
    await activate(instance);
    expect(kindsOf(await look(), instance)).toEqual([]);
    expect(JSON.stringify(await listWorld())).not.toContain(instance);
  });

  test('what is not ours is not found, and a delete of ours does not touch it', async () => {
    const [foreign, otherHosts, upper] = [newInstanceUuid(), newInstanceUuid(), newInstanceUuid()];
    await makeDomain(foreign);
    await makeDomain(otherHosts, { host: newProviderUuid(), stateDir: '/elsewhere' });
    const files = ['notes.img', `${foreign}.raw`, foreign, `${upper.toUpperCase()}.img`];
    for (const file of files) await makeVolume(file);
    const logs = ['notes.log', `${upper.toUpperCase()}.log`, `${foreign}.log.gz`, `${foreign}.txt`];
    for (const file of logs) await writeFile(join(steps.consolesDir, file), 'kept');
    const before = await listWorld();
    const report = await look();
    for (const instance of [foreign, otherHosts, upper]) expect(kindsOf(report, instance)).toEqual([]);
    await wishGone(foreign);
    await activate(foreign);
    expect(await listWorld()).toEqual(before);
  });
});

describe('what is left over, with remove_orphan_domains', () => {
  const removes = { remove_orphan_domains: true };
  const exists = async (instance: InstanceUuid): Promise<boolean> => (await listWorld()).domains.includes(instance);
  const makeOrphans = async (count: number): Promise<InstanceUuid[]> => {
    const orphans = Array.from({ length: count }, () => newInstanceUuid());
    for (const orphan of orphans) await makeDomain(orphan, steps.mark);
    return orphans;
  };
  const removeAll = async (instances: readonly InstanceUuid[]): Promise<void> => {
    for (const instance of instances) {
      await wishGone(instance);
      await activate(instance);
    }
  };

  test('is removed after the grace, and not before', async () => {
    look = await startAudits(removes);
    const [orphan = newInstanceUuid()] = await makeOrphans(1);
    for (const elapsedMs of [0, 299_000]) {
      clock += elapsedMs;
      expect(kindsOf(await look(), orphan)).toEqual(['domain-without-request']);
    }
    clock += 2_000;
    expect(kindsOf(await look(), orphan)).toEqual([]);
    expect(await exists(orphan)).toBe(false);
  });

  test('an agent that was replaced removes nothing', async () => {
    const replaced = await startAudits(removes);
    const [orphan = newInstanceUuid()] = await makeOrphans(1);
    await replaced();
    look = await startAudits();
    clock += 400_000;
    await replaced();
    expect(await exists(orphan)).toBe(true);
    await removeAll([orphan]);
  });

  test('none is removed when there are more than a tenth of all guests, and the report says why', async () => {
    look = await startAudits(removes);
    const orphans = await makeOrphans(2);
    await look();
    clock += 400_000;
    const report = await look();
    for (const orphan of orphans) expect(await exists(orphan)).toBe(true);
    expect(health.trouble).toMatchObject({
      code: 'guests-forgotten',
      message: expect.stringMatching(/^2 of 2 guests here have no boot request/),
    });
    const why = 'not removed: 2 of 2 guests here have no boot request, and at most 1 are removed at once';
    expect(report?.findings.map(({ detail }) => detail)).toEqual([`it runs; ${why}`, `it runs; ${why}`]);
    await removeAll(orphans.slice(1));
    await look();
    expect(health.trouble).toBeNull();
    expect(await exists(orphans[0] ?? newInstanceUuid())).toBe(false);
  });

  test('none is removed when there are more than max_removals, however many guests there are', async () => {
    look = await startAudits({ ...removes, max_removals: 1 });
    const guests = await makeOrphans(20);
    const wished = guests.slice(2);
    for (const instance of wished) await world.etcdctl('put', world.keys.request(host, instance), '{}');
    await look();
    clock += 400_000;
    await look();
    expect(health.trouble).toMatchObject({ code: 'too-many-leftovers' });
    expect((await listWorld()).domains).toEqual(expect.arrayContaining(guests));
    look = await startAudits({ ...removes, max_removals: 2 });
    await look();
    clock += 400_000;
    await look();
    expect((await listWorld()).domains.filter((name) => guests.some((guest) => guest === name))).toEqual(
      wished.toSorted(),
    );
    await removeAll(wished);
  });
});

test('a guest that nobody counts keeps its room: it is measured, until it has a request or an allocation', async () => {
  const measure = async (): Promise<unknown> =>
    findForgotten({
      ...world,
      host,
      provider: createOwnProvider({ capacity: world.capacity, host, now: () => clock }),
      getConnection: steps.getConnection,
      pool: steps.pool,
    });
  const [counted, orphan] = [await bootHere(), newInstanceUuid()];
  expect(await measure()).toEqual({});
  await makeDomain(orphan, steps.mark);
  await makeVolume(`${orphan}.img`);
  await makeVolume(`${orphan}.${newDiskUuid()}.img`);
  expect(await measure()).toEqual({ VCPU: 1, MEMORY_MB: 64, DISK_GB: 1 });
  await allocateByHand(world, orphan, { [host]: { resources: { VCPU: 1 } } });
  expect(await measure()).toEqual({});
  for (const instance of [counted, orphan]) {
    await wishGone(instance);
    await activate(instance);
  }
});

test('one guest that is forgotten is trouble when etcd has forgotten the host too', async () => {
  const orphan = newInstanceUuid();
  await makeDomain(orphan, steps.mark);
  await look();
  expect(health.trouble).toBeNull();
  await del(world.keys.session(host));
  const fence = await takeFence({ ...world, host, session: newSessionUuid(), isKnown: true });
  expect(fence.wasGone).toBe(true);
  look = await startAudits({}, steps.getConnection, fence);
  await look();
  expect(health.trouble).toMatchObject({ code: 'guests-forgotten' });
  await wishGone(orphan);
  await activate(orphan);
  await look();
  expect(health.trouble).toBeNull();
  expect(fence.wasGone).toBe(false);
});

describe('the report', () => {
  test('is written when something changes, not at every look, and keeps since when it was so over a restart', async () => {
    const instance = newInstanceUuid();
    await makeDomain(instance, steps.mark);
    const first = await look();
    const since = new Date(clock).toISOString();
    expect(first).toMatchObject({ version: 1, host, at: since });
    expect(first?.findings.find((finding) => finding.instance === instance)).toMatchObject({
      since,
      detail: 'it runs',
    });
    clock += 60_000;
    expect(await look()).toEqual(first);
    look = await startAudits();
    const restarted = await look();
    expect(restarted?.session).not.toBe(first?.session);
    expect(restarted?.findings).toEqual(first?.findings);
    clock += 11 * 60_000; // a slow beat
    expect((await look())?.at).toBe(new Date(clock).toISOString());
    await wishGone(instance);
    await activate(instance);
    expect(kindsOf(await look(), instance)).toEqual([]);
  });

  test('is not written by a session that was replaced', async () => {
    const replaced = look;
    look = await startAudits();
    const instance = newInstanceUuid();
    await makeVolume(`${instance}.img`);
    const before = await world.store.get(world.keys.audit(host));
    await replaced();
    expect(await world.store.get(world.keys.audit(host))).toEqual(before);
    expect(kindsOf(await look(), instance)).toEqual(['disk-without-request']);
    await wishGone(instance);
    await activate(instance);
  });

  test('a value there that is no report is written over', async () => {
    await world.etcdctl('put', world.keys.audit(host), 'nonsense');
    expect(await look()).toMatchObject({ host });
  });
});

describe('requests and allocations', () => {
  test('a request without an allocation is found at the second look; a failed build is none', async () => {
    const instance = await bootHere();
    const failed = await boot(world, host, { image: 'ftp://x' });
    await activate(failed);
    expect(await findRecord(world, failed)).toMatchObject({ state: 'error' });
    await world.request('PUT', `/allocations/${instance}`, {
      ...Object(await world.request('GET', `/allocations/${instance}`)),
      allocations: {},
    });
    expect(kindsOf(await look(), instance)).toEqual([]);
    const report = await look();
    expect(kindsOf(report, instance)).toEqual(['request-without-allocation']);
    expect(kindsOf(report, failed)).toEqual([]);
    await wishGone(instance);
    await activate(instance);
    expect(kindsOf(await look(), instance)).toEqual([]);
  });

  test('an allocation without a request is told within its grace and released after it', async () => {
    const orphan = await boot(world, host);
    await del(world.keys.request(host, orphan));
    expect(kindsOf(await look(), orphan)).toEqual([]);
    clock += 200_000;
    expect(kindsOf(await look(), orphan)).toEqual(['allocation-without-request']);
    expect(await heldBy(world, orphan)).not.toEqual({});
    clock += 200_000;
    expect(kindsOf(await look(), orphan)).toEqual([]);
    expect(await heldBy(world, orphan)).toEqual({});
  });

  /** As after etcd was restored from a backup that is older than the instance. */
  const forget = async (instance: InstanceUuid): Promise<void> => {
    for (const key of [
      world.keys.request(host, instance),
      world.keys.report(host, instance),
      world.keys.booted(instance),
    ])
      await del(key);
  };
  /** Past the grace, with a look before and one after it. */
  const lookTwice = async (): Promise<HostAudit | undefined> => {
    await look();
    clock += 400_000;
    return look();
  };
  const cleanUp = async (instance: InstanceUuid): Promise<void> => {
    await wishGone(instance);
    await activate(instance);
    expect(await heldBy(world, instance)).toEqual({});
  };

  test.each(['running', 'shut-off'] as const)('that of a guest on this host is kept and told: %s', async (state) => {
    const instance = await bootHere();
    if (state === 'shut-off') {
      await using domain = await connection.domainLookupByUUID(instance);
      await domain.destroy();
    }
    await forget(instance);
    const report = await lookTwice();
    expect(await heldBy(world, instance)).not.toEqual({});
    const finding = report?.findings.find(({ kind, instance: of }) => of === instance && kind.startsWith('allocation'));
    expect(finding?.detail).toContain(`it is kept, because its domain is on this host (${state})`);
    await cleanUp(instance);
  });

  test('that of a guest of which only the disk is left is kept', async () => {
    const instance = await boot(world, host);
    await del(world.keys.request(host, instance));
    const disk = join(steps.pool.folder, `${instance}.img`);
    await writeFile(disk, 'data');
    await lookTwice();
    expect(await heldBy(world, instance)).not.toEqual({});
    await rm(disk);
    await look();
    expect(await heldBy(world, instance)).toEqual({});
  });

  test('nothing is released while libvirt cannot be asked', async () => {
    const orphan = await boot(world, host);
    await del(world.keys.request(host, orphan));
    const away = new EcomputeError('ECOMPUTE_LIBVIRT_UNREACHABLE', 'there is no connection to libvirt');
    look = await startAudits({}, () => {
      throw away;
    });
    await lookTwice();
    expect(problems).toContain(away);
    expect(await heldBy(world, orphan)).not.toEqual({});
    look = await startAudits();
    await lookTwice();
    expect(await heldBy(world, orphan)).toEqual({});
  });

  test('that of an instance that lives on another host is that host’s', async () => {
    const [other, instance] = [newProviderUuid(), newInstanceUuid()];
    await addRoomyHost(world, other);
    // Its processors are there; here it has only a disk, as on a host that shares its own with others.
    await allocateByHand(world, instance, {
      [other]: { resources: { VCPU: 1, MEMORY_MB: 64 } },
      [host]: { resources: { DISK_GB: 1 } },
    });
    look = await startAudits({ grace: 1 });
    for (const _ of ['new', 'old']) {
      expect(kindsOf(await look(), instance)).not.toContain('allocation-without-request');
      clock += 60_000;
    }
    expect(await heldBy(world, instance)).toHaveProperty(host);
  });
});
