import { TASKS, type Tasks } from '@etcd-compute/agent/kinds/tasks';
import type { Step } from '@etcd-compute/agent/steps/step';
import { EcomputeError } from '@etcd-compute/common/errors';
import { LibvirtError } from '@etcd-compute/libvirt/errors';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askToDestroy, boot, findRecord } from '../fixtures/agent-world.js';
import { hasPlacementService } from '../fixtures/counting.js';
import type { FaultScript } from '../fixtures/faulty.js';
import { FULL, settle, startReconcilerWorld, type ReconcilerWorld } from '../fixtures/reconciler-world.js';

/**
 * A wish whose step before the turning point fails, so that all is taken back. On this way back each call, to libvirt, etcd and who counts room,
 * fails once, and the agent is another one after it. In the end the instance is as it was. Each kind with a turning point is covered.
 */
let world: ReconcilerWorld;
beforeAll(async () => {
  world = await startReconcilerWorld();
});
afterAll(async () => world[Symbol.asyncDispose]());

type Server = keyof ReconcilerWorld['faults'];

const ERRORS: Readonly<Record<Server, () => Error>> = {
  libvirt: () =>
    new LibvirtError({ code: 1, domain: 10, level: 2, message: 'on purpose', functionName: 'virOnPurpose' }),
  etcd: () => new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', 'on purpose', { retryable: true }),
  capacity: () => {
    const code = hasPlacementService ? 'ECOMPUTE_PLACEMENT_FAILED' : 'ECOMPUTE_ETCD_UNREACHABLE';
    return new EcomputeError(code, 'on purpose', { retryable: true });
  },
};
/** Otherwise nothing was wrapped. A rebuild needs no room. */
const LEAST_CALLS = { libvirt: 4, etcd: 4, capacity: 0 } as const;
const MODES = ['fails', 'reply-lost'] as const;

const isTask = (name: string): name is keyof Tasks => name in TASKS;
const TURNING = Object.keys(TASKS).filter((name) => isTask(name) && TASKS[name].turn !== undefined);

const cases = TURNING.flatMap((kind, index) =>
  (['libvirt', 'etcd', 'capacity'] as const).map((server) => ({ kind, server, index })),
);

/** In turn: of most calls, those that only ask, it is all the same. What one kind does not meet, the next one does. */
const modeOf = (turn: number): (typeof MODES)[number] => MODES[turn % MODES.length] ?? 'fails';

/** The step of the turning point fails, and from then on calls are counted. */
const failingAtTurn = (kind: string, onFailure: () => void): Tasks => {
  if (!isTask(kind)) throw new Error(`${kind} is no task`);
  const { steps, turn } = TASKS[kind];
  const fail = (step: Step): Step => ({
    ...step,
    run: async () => {
      onFailure();
      throw new EcomputeError('ECOMPUTE_DISK_FAILED', 'failed on purpose');
    },
  });
  return { ...TASKS, [kind]: { ...TASKS[kind], steps: steps.map((step) => (step === turn?.at ? fail(step) : step)) } };
};

/** @returns whether there were as many calls. */
const turnBackUnder = async (kind: string, server: Server, script: FaultScript): Promise<boolean> => {
  const instance = await boot(world, world.host, FULL);
  await settle(await world.startReconciler(), instance);
  const before = await findRecord(world, instance);
  await world.ask(instance, { kind, count: 1 });
  const faulty = world.faults[server];
  let isArmed = false;
  const tasks = failingAtTurn(kind, () => {
    if (!isArmed) faulty.arm(script);
    isArmed = true;
  });
  await settle(await world.startReconciler(tasks), instance, async () => world.startReconciler(tasks));
  const isHit = faulty.hit !== undefined;
  faulty.disarm();
  await world.expectTrueRecord(instance);
  const { resources, image, disks, nics } = before ?? {};
  const outcomes = [{ kind, count: 1, fault: { code: 'ECOMPUTE_DISK_FAILED' } }];
  expect(await findRecord(world, instance)).toMatchObject({
    wish_count: 1,
    outcomes,
    resources,
    image,
    disks,
    nics,
    step: null,
  });
  await askToDestroy(world, world.host, instance);
  await settle(await world.startReconciler(), instance);
  await world.expectGone(instance);
  return isHit;
};

test.each(cases)(
  '$kind is taken back, also when a call to $server fails, or its reply is lost, on the way',
  { timeout: 300_000 },
  async ({ kind, server, index }) => {
    const isHit = async (nth: number): Promise<boolean> =>
      turnBackUnder(kind, server, { nth, mode: modeOf(nth + index), error: ERRORS[server] });
    let nth = 1;
    while (await isHit(nth)) nth += 1;
    expect(nth).toBeGreaterThan(LEAST_CALLS[server]);
  },
);
