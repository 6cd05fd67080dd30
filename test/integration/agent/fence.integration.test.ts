import { takeFence, type Fence } from '@etcd-compute/agent/session/fence';
import { newProviderUuid, newSessionUuid } from '@etcd-compute/common/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askToDestroy, boot, findRecord } from '../fixtures/agent-world.js';
import { settle, startReconcilerWorld, type ReconcilerWorld } from '../fixtures/reconciler-world.js';

/** Two agents with one uuid, of which the first was frozen for longer than its lease: only the second one writes. */
let world: ReconcilerWorld;
beforeAll(async () => {
  world = await startReconcilerWorld();
});
afterAll(async () => world[Symbol.asyncDispose]());

test('an agent that was replaced claims nothing and changes no record, even where its successor has not written yet', async () => {
  const first = await world.startReconciler();
  const built = await boot(world, world.host);
  await settle(first, built);
  const before = await findRecord(world, built);
  const second = await world.startReconciler();

  const asked = await boot(world, world.host);
  await askToDestroy(world, world.host, built);
  for (const instance of [asked, built]) await first.activate(instance, new AbortController().signal);
  expect(await findRecord(world, asked)).toBeUndefined();
  expect(await findRecord(world, built)).toEqual(before);

  await settle(second, asked);
  await settle(second, built);
  expect(await findRecord(world, asked)).toMatchObject({ state: 'active' });
  expect(await findRecord(world, built)).toMatchObject({ state: 'deleted' });
});

const take = async (host = newProviderUuid()): Promise<Fence> =>
  takeFence({ store: world.store, keys: world.keys, host, session: newSessionUuid() });

test('a fence that somebody deleted is put back by its session; one that another session took is lost', async () => {
  const host = newProviderUuid();
  const fence = await take(host);
  const read = async () => world.store.get(world.keys.session(host));
  await world.etcdctl('del', world.keys.session(host));
  expect(await fence.renew(await read())).toBe(true);
  expect((await read())?.modRevision).toBe(fence.guard.modRevision);
  await take(host);
  expect(await fence.renew(await read())).toBe(false);
});
