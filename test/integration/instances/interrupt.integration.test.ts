import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Store } from '@etcd-compute/common/etcd/store';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { askToDestroy, boot, findRecord, waitForRecord } from '../fixtures/agent-world.js';
import { startReconcilerWorld, type ReconcilerWorld } from '../fixtures/reconciler-world.js';

/** A wish that changes while a step only waits, here for an image that never comes, ends that step at once. */
let world: ReconcilerWorld;
beforeAll(async () => {
  world = await startReconcilerWorld();
});
beforeEach(() => world.images.setFault('tiny', 'hang'));
afterAll(async () => world[Symbol.asyncDispose]());

const signal = new AbortController().signal;

test('while the step waits', async () => {
  const agent = await world.startReconciler();
  const instance = await boot(world, world.host);
  const activated = agent.activate(instance, signal);
  await waitForRecord(world, instance, ({ step }) => step?.name === 'fetch-image');
  await askToDestroy(world, world.host, instance);
  agent.interrupt(instance);
  await activated;
  expect(await findRecord(world, instance)).toMatchObject({ state: 'deleted' });
  await world.expectGone(instance);
});

test('while the old wish is still being read', async () => {
  const instance = await boot(world, world.host);
  const key = world.keys.request(world.host, instance);
  let hasRead = false;
  let goOn = (): void => undefined;
  const changed = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  /** Holds back the first answer about the request. */
  const getMany: Store['getMany'] = async (names) => {
    const answer = await world.store.getMany(names);
    if (!hasRead && names.includes(key)) {
      hasRead = true;
      await changed;
    }
    return answer;
  };
  const agent = await world.startReconciler(undefined, { store: { ...world.store, getMany } });
  const activated = agent.activate(instance, signal);
  await waitFor(() => hasRead, { what: 'the old request to be read' });
  await askToDestroy(world, world.host, instance);
  agent.interrupt(instance);
  goOn();
  await activated;
  expect(await findRecord(world, instance)).toMatchObject({ state: 'deleted' });
  await world.expectGone(instance);
});
