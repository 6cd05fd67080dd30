import { isStart, stepsOf } from '@etcd-compute/agent/kinds/steps-of';
import type { InstanceReconciler } from '@etcd-compute/agent/instances/reconcile';
import type { Step } from '@etcd-compute/agent/steps/step';
import { TASKS, type Tasks } from '@etcd-compute/agent/kinds/tasks';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceState, Outcome } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { ActionKind } from '@etcd-compute/common/wishes/kind';
import { ACTIONS, type ActionName } from '@etcd-compute/common/wishes/kinds';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askToDestroy, boot, findRecord } from '../fixtures/agent-world.js';
import { FULL, settle, startReconcilerWorld, type ReconcilerWorld } from '../fixtures/reconciler-world.js';

/**
 * Walks every list of steps in `TASKS`: each step fails before it and after it, is repeated, is cut off by a crash before, after
 * and in its middle, and each undo fails and is repeated. Afterwards the whole world is as the record says, and after a destroy
 * nothing is left. The tests are made from the lists: a new step, or a new list, is covered without a change here.
 */
let world: ReconcilerWorld;
beforeAll(async () => {
  world = await startReconcilerWorld();
});
afterAll(async () => world[Symbol.asyncDispose]());

type Task = keyof Tasks;
const isTask = (name: string): name is Task => name in TASKS;
const TASK_NAMES = Object.keys(TASKS).filter(isTask);

/** A reason that lies with this host, so that nobody waits for it to go away. */
const onPurpose = (): Error => new EcomputeError('ECOMPUTE_DOMAIN_FAILED', 'failed on purpose', { retryable: true });
/** What the agent's process sees of its own end: nothing. Here, the activation just ends. */
const crash = (): Error => new DOMException('crashed on purpose', 'AbortError');

/** Each happens once; then the step is what it was. */
type Fault = (step: Step, once: () => boolean) => Step;

const RUN_FAULTS: Readonly<Record<string, { readonly fault: Fault; readonly isDone: boolean }>> = {
  'fails before it': {
    isDone: false,
    fault: (step, once) => around(step, { before: () => throwIf(once(), onPurpose) }),
  },
  'fails after it': { isDone: false, fault: (step, once) => around(step, { after: () => throwIf(once(), onPurpose) }) },
  'crashes before it': { isDone: true, fault: (step, once) => around(step, { before: () => throwIf(once(), crash) }) },
  'crashes after it': { isDone: true, fault: (step, once) => around(step, { after: () => throwIf(once(), crash) }) },
  'is repeated': {
    isDone: true,
    fault: (step, once) => ({ ...step, run: async (...args) => twice(() => step.run(...args), once) }),
  },
  'is aborted in it': {
    isDone: true,
    fault: (step, once) => ({
      ...step,
      run: async (deps, context) => {
        if (!once()) return step.run(deps, context);
        const aborted = AbortSignal.abort(crash());
        await step.run(deps, { ...context, signal: aborted });
        throw crash();
      },
    }),
  },
};

const UNDO_FAULTS: Readonly<Record<string, Fault>> = {
  'fails before it': (step, once) => aroundUndo(step, { before: () => throwIf(once(), onPurpose) }),
  'fails after it': (step, once) => aroundUndo(step, { after: () => throwIf(once(), onPurpose) }),
  'crashes after it': (step, once) => aroundUndo(step, { after: () => throwIf(once(), crash) }),
  'is repeated': ({ undo, ...step }, once) => ({
    ...step,
    ...(undo && { undo: async (...args: Parameters<typeof undo>) => twice(() => undo(...args), once) }),
  }),
};

interface Around {
  readonly before?: () => void;
  readonly after?: () => void;
}

const around = (step: Step, { before, after }: Around): Step => ({
  ...step,
  run: async (...args) => {
    before?.();
    await step.run(...args);
    after?.();
  },
});

const aroundUndo = ({ undo, ...step }: Step, { before, after }: Around): Step => ({
  ...step,
  ...(undo && {
    undo: async (...args: Parameters<typeof undo>) => {
      before?.();
      await undo(...args);
      after?.();
    },
  }),
});

const twice = async (task: () => Promise<void>, once: () => boolean): Promise<void> => {
  await task();
  if (once()) await task();
};

const throwIf = (isTime: boolean, make: () => Error): void => {
  if (isTime) throw make();
};

/** The lists with a fault at one step of one of them, and whether it has struck. */
const withFault = (task: Task, index: number, fault: Fault): { tasks: Tasks; hasStruck: () => boolean } => {
  let count = 0;
  const once = (): boolean => (count += 1) === 1;
  const steps = TASKS[task].steps.map((step, at) => (at === index ? fault(step, once) : step));
  return { tasks: { ...TASKS, [task]: { ...TASKS[task], steps } }, hasStruck: () => count > 0 };
};

/** How a guest that was built comes to each state. */
const WAYS: readonly (readonly [InstanceState, ActionName | undefined])[] = [
  ['active', undefined],
  ['stopped', 'stop'],
  ['suspended', 'suspend'],
];

interface Start {
  readonly task: Task;
  readonly from: InstanceState;
  /** What leads there from a guest that runs. */
  readonly way: ActionName | undefined;
  /** The first of its states. */
  readonly isFirst: boolean;
}

/** Leave the step done, and the rest of the list undone: what comes before and after, and where an instance was, decide what follows. */
const OFTEN = ['fails after it', 'crashes after it'];
const OFTEN_FAULTS = Object.fromEntries(Object.entries(RUN_FAULTS).filter(([name]) => OFTEN.includes(name)));

/** The shortest list that has a step, by the step's name. */
const HOMES = new Map(
  TASK_NAMES.toSorted((a, b) => TASKS[b].steps.length - TASKS[a].steps.length).flatMap((task) =>
    TASKS[task].steps.map(({ name }) => [name, task] as const),
  ),
);

/** Every fault strikes a step once: in the shortest list that has it, from its first state. Elsewhere, those that may end otherwise there. */
const faultsOf = ({ task, isFirst }: Start, step: string): typeof RUN_FAULTS =>
  isFirst && HOMES.get(step) === task ? RUN_FAULTS : OFTEN_FAULTS;

/** Each list from every state in which it is asked for. */
const STARTS: readonly Start[] = TASK_NAMES.flatMap((task): Start[] => {
  if (task === 'build') return [{ task, from: 'scheduled', way: undefined, isFirst: true }];
  const { from }: ActionKind = ACTIONS[task];
  return WAYS.filter(([state]) => from.includes(state)).map(([state, way], index) => ({
    task,
    from: state,
    way,
    isFirst: index === 0,
  }));
});

const bootTo = async ({ task, way }: Pick<Start, 'task' | 'way'>): Promise<InstanceUuid> => {
  const instance = await boot(world, world.host, FULL);
  if (task === 'build') return instance;
  const agent = await world.startReconciler();
  await settle(agent, instance);
  if (way) {
    await world.ask(instance, { kind: way, count: 1 });
    await settle(agent, instance);
  }
  await world.ask(instance, { kind: task, count: 2 });
  return instance;
};

/** After a crash the next activation is that of another agent process, which knows nothing of the fault. */
const settleAfterCrash = async (agent: InstanceReconciler, instance: InstanceUuid): Promise<void> =>
  settle(agent, instance, async () => world.startReconciler());

const destroyAndExpectGone = async (agent: InstanceReconciler, instance: InstanceUuid): Promise<void> => {
  await askToDestroy(world, world.host, instance);
  await settleAfterCrash(agent, instance);
  expect(await findRecord(world, instance)).toMatchObject({ state: 'deleted' });
  expect(await world.store.get(world.keys.request(world.host, instance))).toBeUndefined();
  await world.expectGone(instance);
};

/** Past its turning point, a step that fails is tried again. */
const isTriedAgain = (task: Task, index: number, how: string): boolean => {
  const { steps, turn: point } = TASKS[task];
  const step = steps[index];
  if (!step || !point) return false;
  const at = steps.findIndex(({ name }) => name === point.at.name);
  return (index > at && !isStart(step)) || (index === at && how === 'fails after it');
};

/** What the record says in the end of a task that was carried out, and of one with a fault. */
const endOf = ({ task, from }: Start, fault: { readonly step: string } | null): object => {
  if (task === 'build')
    return { wish_count: 0, outcomes: [], ...(fault ? { state: 'error', fault } : { state: 'active', fault: null }) };
  const outcomes = expect.toSatisfy((all: readonly Outcome[]) => {
    expect(all.at(-1)).toMatchObject({ kind: task, count: 2, fault });
    return true;
  });
  const { leadsTo }: ActionKind = ACTIONS[task];
  const { steps, turn: point } = TASKS[task];
  // A guest that was stopped before the turning point is started again.
  const isTakenBack = point && !steps.some((step) => step.name === fault?.step && isStart(step));
  const done = leadsTo === 'as-before' ? from : leadsTo;
  return { wish_count: 2, outcomes, fault: null, ...(fault ? isTakenBack && { state: from } : { state: done }) };
};

describe.each(STARTS)('$task of one that is $from', (start) => {
  const { task, from } = start;
  const taken = task === 'build' ? TASKS.build.steps : stepsOf(TASKS, task, { ran: from === 'active' });
  const steps = TASKS[task].steps.flatMap((step, index) => (taken.includes(step) ? [{ name: step.name, index }] : []));

  describe.each(steps)('$name', ({ index, name }) => {
    test.each(Object.entries(faultsOf(start, name)))(
      '%s: the record is true, and nothing is left in the end',
      async (...[way, how]) => {
        const instance = await bootTo(start);
        const { tasks, hasStruck } = withFault(task, index, how.fault);
        const agent = await world.startReconciler(tasks);
        await settleAfterCrash(agent, instance);
        expect(hasStruck()).toBe(true);
        await world.expectTrueRecord(instance);
        const isDone = how.isDone || isTriedAgain(task, index, way);
        const fault = isDone ? null : { code: 'ECOMPUTE_DOMAIN_FAILED', step: name };
        expect(await findRecord(world, instance)).toMatchObject(endOf(start, fault));
        await destroyAndExpectGone(await world.startReconciler(), instance);
      },
    );
  });
});

const undoable = TASKS.build.steps.flatMap(({ name, undo }, index) => (undo ? [{ name, index }] : []));

describe.each(undoable)('undo of $name', ({ index }) => {
  test.each(Object.entries(UNDO_FAULTS))('%s, in a delete: nothing is left', async (...[, fault]) => {
    const instance = await bootTo({ task: 'build', way: undefined });
    await settle(await world.startReconciler(), instance);
    const { tasks, hasStruck } = withFault('build', index, fault);
    await destroyAndExpectGone(await world.startReconciler(tasks), instance);
    expect(hasStruck()).toBe(true);
  });

  test.each(Object.entries(UNDO_FAULTS))('%s, after a build that failed: nothing is left', async (...[, fault]) => {
    const instance = await bootTo({ task: 'build', way: undefined });
    const { tasks, hasStruck } = withFault('build', index, fault);
    const last = tasks.build.steps.length - 1;
    const build = tasks.build.steps.map((step, at) =>
      at === last ? around(step, { after: () => throwIf(true, onPurpose) }) : step,
    );
    const agent = await world.startReconciler({ ...tasks, build: { steps: build } });
    await settle(agent, instance);
    expect(hasStruck()).toBe(true);
    expect(await findRecord(world, instance)).toMatchObject({ state: 'error' });
    await world.expectTrueRecord(instance);
    await destroyAndExpectGone(await world.startReconciler(), instance);
  });
});
