import type { InstanceReconciler } from '@etcd-compute/agent/instances/reconcile';
import type { Step, StepContext } from '@etcd-compute/agent/steps/step';
import { TASKS, type Tasks } from '@etcd-compute/agent/kinds/tasks';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import { newDiskUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { askToDestroy, boot, findRecord, heldBy, SMALL } from '../fixtures/agent-world.js';
import { settle, startReconcilerWorld, type ReconcilerWorld } from '../fixtures/reconciler-world.js';

/**
 * A step that takes too long is given up, and its build undone; but what it was doing goes on, and takes effect in the end: what it
 * makes late must not stay. Nothing stands for it any more, least of all for a guest that runs.
 */
let world: ReconcilerWorld;
beforeAll(async () => {
  world = await startReconcilerWorld();
});
afterAll(async () => world[Symbol.asyncDispose]());

const booted: InstanceUuid[] = [];
afterEach(async () => {
  for (const instance of booted.splice(0)) {
    await askToDestroy(world, world.host, instance);
    await settle(await world.startReconciler(), instance);
    await world.expectGone(instance);
  }
});

interface LateStep {
  readonly tasks: Tasks;
  /** Lets it go on, to its end. */
  readonly goOn: () => Promise<void>;
}

/** The step hangs, deaf to its signal, for longer than it may; then it does what it does, and `after`. */
const makeLate = (name: string, after?: (step: Step, args: Parameters<Step['run']>) => Promise<void>): LateStep => {
  const [gate, ended] = [withResolvers<void>(), withResolvers<void>()];
  const late = (step: Step): Step => ({
    ...step,
    timeoutSeconds: () => 0.05,
    run: async (deps, context) => {
      await gate.promise;
      const deaf: StepContext = { ...context, signal: new AbortController().signal };
      await step.run(deps, deaf);
      await after?.(step, [deps, deaf]);
      ended.resolve();
    },
  });
  return {
    tasks: { ...TASKS, build: { steps: TASKS.build.steps.map((step) => (step.name === name ? late(step) : step)) } },
    goOn: async () => {
      gate.resolve();
      await ended.promise;
    },
  };
};

const LEAVING = TASKS.build.steps.filter(({ isThere }) => isThere).map(({ name }) => name);

/** So that no step has nothing to do. */
const WITH_DISK = { resources: { ...SMALL, DISK_GB: 2 }, disks: [{ uuid: newDiskUuid(), size_gib: 1 }] };

const bootUntilGivenUp = async (
  { tasks }: LateStep,
  step: string,
): Promise<{ instance: InstanceUuid; reconciler: InstanceReconciler; woken: Promise<InstanceUuid> }> => {
  const woken = withResolvers<InstanceUuid>();
  const reconciler = await world.startReconciler(tasks, { wake: woken.resolve });
  const instance = await boot(world, world.host, WITH_DISK);
  booted.push(instance);
  await settle(reconciler, instance);
  expect(await findRecord(world, instance)).toMatchObject({
    state: 'error',
    fault: { code: 'ECOMPUTE_STEP_TIMED_OUT', step },
  });
  await world.expectGone(instance);
  return { instance, reconciler, woken: woken.promise };
};

describe.each(LEAVING)('%s ends after it was undone', (name) => {
  test('the instance is looked at again, and it is undone once more', async () => {
    const late = makeLate(name);
    const { instance, reconciler, woken } = await bootUntilGivenUp(late, name);
    await late.goOn();
    expect(await woken).toBe(instance);
    await settle(reconciler, instance);
    await world.expectGone(instance);
    expect(await findRecord(world, instance)).toMatchObject({ state: 'error', step: null });
  });

  test('an agent that has lost its memory finds it and undoes it', async () => {
    const late = makeLate(name);
    const { instance } = await bootUntilGivenUp(late, name);
    await late.goOn();
    await settle(await world.startReconciler(), instance);
    await world.expectGone(instance);
    expect(await findRecord(world, instance)).toMatchObject({ state: 'error', step: null });
  });

  test('when the instance is gone by then, it goes too', async () => {
    const late = makeLate(name);
    const { instance, reconciler, woken } = await bootUntilGivenUp(late, name);
    await askToDestroy(world, world.host, instance);
    await settle(reconciler, instance);
    expect(await findRecord(world, instance)).toMatchObject({ state: 'deleted' });
    await late.goOn();
    expect(await woken).toBe(instance);
    await settle(reconciler, instance);
    await world.expectGone(instance);
  });
});

test('a guest that starts late, of a build that was undone, does not run on', async () => {
  const start = TASKS.build.steps.find(({ name }) => name === 'start-domain');
  const late = makeLate('define-domain', async (_step, args) => start?.run(...args));
  const { instance, reconciler, woken } = await bootUntilGivenUp(late, 'define-domain');
  await late.goOn();
  expect((await world.whatExists()).domains).toEqual([`${instance} running`]);
  await settle(reconciler, await woken);
  await world.expectGone(instance);
});

test('an instance whose domain is there again before its allocation is given back keeps it until the domain is gone', async () => {
  let isUndoneInVain = true;
  const failing = TASKS.build.steps.map((step): Step => {
    if (step.name === 'start-domain')
      return { ...step, run: async () => Promise.reject(new Error('failed on purpose')) };
    if (step.name !== 'define-domain') return step;
    return {
      ...step,
      undo: async (...args) => {
        if (!isUndoneInVain) await step.undo?.(...args);
      },
    };
  });
  const reconciler = await world.startReconciler({ ...TASKS, build: { steps: failing } });
  const instance = await boot(world, world.host);
  booted.push(instance);
  await expect(reconciler.activate(instance, new AbortController().signal)).rejects.toMatchObject({
    code: 'ECOMPUTE_UNDO_FAILED',
    retryable: true,
  });
  expect(await findRecord(world, instance)).toMatchObject({ state: 'building', fault: { step: 'start-domain' } });
  expect(await heldBy(world, instance)).not.toEqual({});
  isUndoneInVain = false;
  await settle(reconciler, instance);
  expect(await findRecord(world, instance)).toMatchObject({ state: 'error', fault: { step: 'start-domain' } });
  await world.expectGone(instance);
});
