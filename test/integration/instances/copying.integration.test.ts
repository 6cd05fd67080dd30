import { afterAll, beforeAll, expect, test } from 'vitest';
import { TASKS } from '@etcd-compute/agent/kinds/tasks';
import type { Step } from '@etcd-compute/agent/steps/step';
import { askToDestroy, boot, findRecord, waitForRecord } from '../fixtures/agent-world.js';
import { settle, startReconcilerWorld, type ReconcilerWorld } from '../fixtures/reconciler-world.js';

/** A step that copies for long, here for ever, is not begun again for each change of the request, and holds up no destroy. */
let world: ReconcilerWorld;
beforeAll(async () => {
  world = await startReconcilerWorld();
});
afterAll(async () => world[Symbol.asyncDispose]());

test('a copy goes on when the instance is renamed, and ends when it is destroyed', async () => {
  let begun = 0;
  let hasEnded = false;
  const copy: Step = {
    name: 'take-snapshot',
    kind: 'copying',
    timeoutSeconds: () => 600,
    run: async (_deps, { signal }) => {
      begun += 1;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      hasEnded = true;
    },
  };
  const instance = await boot(world, world.host);
  await settle(await world.startReconciler(), instance);
  const key = world.keys.request(world.host, instance);
  const edit = async (changes: object): Promise<void> => {
    const entry = await world.store.get(key);
    const value = JSON.stringify({ ...JSON.parse(entry?.value ?? '{}'), ...changes });
    await world.store.txn([{ key, modRevision: entry?.modRevision ?? '0' }], [{ op: 'put', key, value }]);
  };
  await edit({ wishes: [{ kind: 'snapshot', count: 1, args: { name: 'golden' } }] });
  const agent = await world.startReconciler({ ...TASKS, snapshot: { ...TASKS.snapshot, steps: [copy] } });
  const activated = agent.activate(instance, new AbortController().signal);
  await waitForRecord(world, instance, ({ step }) => step?.name === 'take-snapshot');
  await edit({ name: 'renamed' });
  agent.interrupt(instance);
  // Long enough for an abort to arrive: what is waited for is an answer of etcd that was asked later.
  await world.store.get(key);
  await world.store.get(key);
  expect({ begun, hasEnded }).toEqual({ begun: 1, hasEnded: false });
  await askToDestroy(world, world.host, instance);
  agent.interrupt(instance);
  await activated;
  expect({ begun, hasEnded }).toEqual({ begun: 1, hasEnded: true });
  expect(await findRecord(world, instance)).toMatchObject({ state: 'deleted' });
});
