import { migrateRecords } from '@etcd-compute/agent/instances/migrate';
import { takeFence } from '@etcd-compute/agent/session/fence';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Store } from '@etcd-compute/common/etcd/store';
import { newInstanceUuid, newProviderUuid, newSessionUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { askToDestroy, boot, findRecord } from '../fixtures/agent-world.js';
import { createFaults } from '../fixtures/faulty.js';
import { settle, startReconcilerWorld, type ReconcilerWorld } from '../fixtures/reconciler-world.js';
import { oldRecord, putVersion1, type OldInstance } from '../fixtures/version-1.js';

/** An agent that is upgraded finds what version 1 wrote, moves it to where it belongs now, and touches no guest. */
let world: ReconcilerWorld;
beforeAll(async () => {
  world = await startReconcilerWorld();
});
afterEach(async () => {
  for (const { key, modRevision } of (await world.store.list('/')).entries) {
    const request = world.keys.parseRequest(key);
    if (request?.host === world.host) await destroy(request.instance);
    else if (!key.startsWith(world.keys.placement))
      await world.store.txn([{ key, modRevision }], [{ op: 'delete', key }]);
  }
});
afterAll(async () => world[Symbol.asyncDispose]());

const destroy = async (instance: InstanceUuid): Promise<void> => {
  await askToDestroy(world, world.host, instance);
  await settle(await world.startReconciler(), instance);
};

/** What an agent does at its start, before anything else. */
const migrate = async (store: Store = world.store): Promise<void> => {
  const { keys, host } = world;
  const fence = await takeFence({ store: world.store, keys, host, session: newSessionUuid() });
  await migrateRecords({ store, keys, host, fence, log: silentLogger() });
};

const readJson = async (key: string): Promise<unknown> => {
  const entry = await world.store.get(key);
  return entry && JSON.parse(entry.value);
};

/** An instance that runs here, as version 1 knows it. */
const bootOld = async (old: Omit<OldInstance, 'instance' | 'host'> = {}): Promise<OldInstance> => {
  const instance = await boot(world, world.host);
  await settle(await world.startReconciler(), instance);
  const stored = { instance, host: world.host, image: world.imageUrl, ...old };
  await putVersion1(world, stored);
  return stored;
};

const expectMoved = async (old: OldInstance): Promise<void> => {
  const { keys, host } = world;
  const { instance, name = null } = old;
  // With what records have had since then.
  const { power_count, ...others } = Object(oldRecord(old));
  const since = {
    project: 'default',
    paused: null,
    outcomes: [],
    locked: null,
    disks: [],
    nics: null,
    attempts_left: 0,
  };
  const record = { ...others, ...since, wish_count: power_count };
  expect(await readJson(keys.report(host, instance))).toEqual(record);
  const location = { version: 2, instance, host, project: 'default', name, created_at: record.created_at };
  expect(await readJson(keys.location(instance))).toEqual(location);
  if (name !== null) expect(await readJson(keys.name('default', name))).toEqual({ version: 1, instance });
};

describe('at the start of an agent', () => {
  test.each(['active', 'stopped', 'error', 'scheduled'] as const)(
    'a record that is %s is moved, whole',
    async (state) => {
      const old = { instance: newInstanceUuid(), host: world.host, name: `web-${state}`, state };
      await putVersion1(world, old);
      await migrate();
      await expectMoved(old);
      const before = await world.store.list('/');
      await migrate();
      expect((await world.store.list('/instances/')).entries).toEqual(
        before.entries.filter(({ key }) => key.startsWith('/instances/')),
      );
    },
  );

  test('killed anywhere in it, the next start goes on, and nothing is lost', async () => {
    const lost = new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', 'cut off', { retryable: true });
    for (const mode of ['fails', 'reply-lost'] as const) {
      for (let nth = 1; ; nth += 1) {
        const all = [1, 2].map((index) => ({
          instance: newInstanceUuid(),
          host: world.host,
          name: `web-${mode}-${nth}-${index}`,
        }));
        for (const old of all) await putVersion1(world, old);
        const faults = createFaults();
        faults.arm({ nth, mode, error: () => lost });
        const thrown = await migrate(faults.wrap(world.store)).then(
          () => undefined,
          (err: unknown) => err,
        );
        expect([undefined, lost]).toContain(thrown);
        for (const { instance } of all) {
          const found = [world.keys.report(world.host, instance), world.keys.location(instance)];
          const values = await Promise.all(found.map(readJson));
          // The record is in one of the two places, at any moment.
          expect(values.filter((value) => Object(value).version === 1)).toHaveLength(1);
        }
        await migrate();
        for (const old of all) await expectMoved(old);
        if (faults.hit === undefined) break;
      }
    }
  });

  test('of two that have the same name, one keeps it, and the other is there all the same', async () => {
    const all = [1, 2].map(() => ({ instance: newInstanceUuid(), host: world.host, name: 'web' }));
    for (const old of all) await putVersion1(world, old);
    await migrate();
    const holder = Object(await readJson(world.keys.name('default', 'web'))).instance;
    expect(all.map(({ instance }) => instance)).toContain(holder);
    for (const { instance } of all) {
      expect(await readJson(world.keys.location(instance))).toMatchObject({ version: 2, name: 'web' });
      expect(await findRecord(world, instance)).toMatchObject({ state: 'active', name: 'web' });
    }
  });

  test('one that was asked to be destroyed has no location and no name any more', async () => {
    const old = { instance: newInstanceUuid(), host: world.host, name: 'going', isEnding: true };
    await putVersion1(world, old);
    await migrate();
    expect(await findRecord(world, old.instance)).toMatchObject({ state: 'active', name: 'going' });
    for (const key of [world.keys.location(old.instance), world.keys.name('default', 'going')])
      expect(await readJson(key)).toBeUndefined();
  });

  test('what is deleted, what is another host’s and what is not understood stays as it is', async () => {
    const deleted = { instance: newInstanceUuid(), host: world.host, state: 'deleted' as const };
    const theirs = { instance: newInstanceUuid(), host: newProviderUuid() };
    await putVersion1(world, deleted);
    await putVersion1(world, theirs);
    const strange = { instance: newInstanceUuid(), host: world.host };
    await putVersion1(world, strange);
    await world.etcdctl('put', world.keys.location(strange.instance), '{"version":9}');
    const before = await world.store.list('/instances/');
    await migrate();
    expect(await world.store.list('/instances/')).toMatchObject({ entries: before.entries });
    for (const { instance } of [deleted, theirs, strange]) expect(await findRecord(world, instance)).toBeUndefined();
    await world.etcdctl('del', world.keys.request(world.host, strange.instance));
  });
});

describe('an instance', () => {
  test.each([
    ['active', 'running'],
    ['stopped', 'shutoff'],
  ] as const)('that is %s goes on as it is, and is destroyed as any other', async (state, domain) => {
    const { instance } = await bootOld({ name: 'web', state });
    if (state === 'stopped') await world.turnOff(instance);
    const before = await world.whatExists();
    expect(before.domains).toEqual([`${instance} ${domain}`]);
    // A request without a record is enough: eschedule may have been upgraded after this agent, and have written both.
    await settle(await world.startReconciler(), instance);
    expect(await world.whatExists()).toEqual(before);
    expect(await findRecord(world, instance)).toMatchObject({ state, name: 'web' });
    expect(await readJson(world.keys.name('default', 'web'))).toEqual({ version: 1, instance });
    await destroy(instance);
    await world.expectGone(instance);
  });

  test.each([
    ['running', 'active'],
    ['shutoff', 'stopped'],
  ] as const)('without a record anywhere, whose domain is %s, is taken over as %s', async (domain, state) => {
    const { instance } = await bootOld();
    await world.etcdctl('del', world.keys.location(instance));
    if (domain === 'shutoff') await world.turnOff(instance);
    const request = Object(await readJson(world.keys.request(world.host, instance)));
    // What was wished before was carried out, or not: nobody knows.
    const wished = { ...request, power: { wish: state === 'active' ? 'stopped' : 'running', count: 3 } };
    await world.etcdctl('put', world.keys.request(world.host, instance), JSON.stringify(wished));
    const before = await world.whatExists();
    await settle(await world.startReconciler(), instance);
    expect(await world.whatExists()).toEqual(before);
    expect(await findRecord(world, instance)).toMatchObject({ state, wish_count: 3, fault: null });
  });

  test('whose location is on another host is not built here', async () => {
    const instance = await boot(world, world.host);
    const location = { version: 2, instance, host: newProviderUuid(), project: 'default', name: null, created_at: 'x' };
    await world.etcdctl('put', world.keys.location(instance), JSON.stringify(location));
    await settle(await world.startReconciler(), instance);
    expect(await world.whatExists()).toEqual({ domains: [], volumes: [] });
    expect(await findRecord(world, instance)).toBeUndefined();
    await world.etcdctl('del', world.keys.location(instance));
  });
});
