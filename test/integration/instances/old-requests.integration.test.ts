import { newRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { newProviderUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allocateByHand, askToDestroy, boot, findRecord, heldBy, SMALL } from '../fixtures/agent-world.js';
import { settle, startReconcilerWorld, type ReconcilerWorld } from '../fixtures/reconciler-world.js';
import { addRoomyHost } from '../fixtures/step-deps.js';

/** A request that was there before the agent: etcd may have been restored from a backup that is older than what became of the instance. */
let world: ReconcilerWorld;
let other: ProviderUuid;
beforeAll(async () => {
  world = await startReconcilerWorld();
  other = newProviderUuid();
  await addRoomyHost(world, other);
});
afterAll(async () => world[Symbol.asyncDispose]());

/** As a scheduler writes it, an hour ago. */
const bootLongAgo = async (): Promise<InstanceUuid> => {
  const instance = await boot(world, world.host);
  const now = new Date(Date.now() - 3_600_000);
  const record = newRecord({ instance, host: world.host, name: null, resources: SMALL, image: null, reason: '', now });
  const key = world.keys.report(world.host, instance);
  await world.store.txn([{ key, modRevision: '0' }], [{ op: 'put', key, value: JSON.stringify(record) }]);
  return instance;
};

test('is built when the instance has its room on this host', async () => {
  const instance = await bootLongAgo();
  const agent = await world.startReconciler();
  await settle(agent, instance);
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active' });
  await askToDestroy(world, world.host, instance);
  await settle(agent, instance);
  await world.expectGone(instance);
});

test('is not built when the instance was built on another host meanwhile, which keeps it', async () => {
  const instance = await bootLongAgo();
  await world.capacity.release(instance);
  await allocateByHand(world, instance, { [other]: { resources: SMALL } });
  await settle(await world.startReconciler(), instance);
  expect(await findRecord(world, instance)).toMatchObject({
    state: 'error',
    fault: { message: expect.stringContaining('no longer has an allocation on this host') },
  });
  expect(await world.whatExists()).toEqual({ domains: [], volumes: [] });
  expect(await heldBy(world, instance)).toHaveProperty(other);
});
