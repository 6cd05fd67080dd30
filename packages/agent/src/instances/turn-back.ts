import { EcomputeError } from '@etcd-compute/common/errors';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { withPendingOutcome, type Fault } from '@etcd-compute/common/etcd/messages/instance-record';
import { isStart } from '../kinds/steps-of.js';
import type { Tasks } from '../kinds/tasks.js';
import { specOf } from '../guest-config/guest-spec.js';
import { causeOf, runStepsOf } from './build.js';
import type { Activation } from './apply-plan.js';
import { isElsewhere, toFault } from '../servers/fault.js';
import { isChanged } from './record-writer.js';
import { newOutcome, reasonOfFailure, reportFailure, reportOutcome, type Ending, type Task } from './wish-outcome.js';

export interface FailedStep {
  readonly err: unknown;
  /** Null before the first one. */
  readonly step: string | null;
  /** The request as it is to be. */
  readonly edited: BootRequest;
}

/**
 * What becomes of an instance when a step has failed: back to what it was, or, past the turning point, forward to what was asked for.
 *
 * @throws what the step threw, when it is to be tried again.
 */
export const turn = async (task: Task, failed: FailedStep, activation: Activation): Promise<void> => {
  const { wish } = task;
  const { err, step, edited } = failed;
  const side = await sideOf(task, failed, activation);
  if (side === 'past') await tryAgain(err, step, activation);
  if (side === 'nowhere' || !wish) {
    const { leavesGuest } = activation.deps.tasks[task.name];
    await reportFailure(activation, { wish, err, step, leavesGuest });
    return;
  }
  const { writer } = activation;
  // The outcome without its count says that the end has begun.
  const fault = toFault(err, step ?? 'wish');
  await writer.update({ ...withPendingOutcome(writer.record, newOutcome(wish, fault)), step: null });
  await endFailed(task, { fault, edited }, activation);
};

/** Where the step is. `nowhere`: there is no turning point, or nothing was begun. `start`: of the guest, past the turning point. */
type Side = 'nowhere' | 'before' | 'past' | 'start';

const sideOf = async ({ name, wish }: Task, { err, step, edited }: FailedStep, { deps }: Activation): Promise<Side> => {
  const { turn: point } = deps.tasks[name];
  const [failed, at] = placesOf(deps.tasks, name, step);
  if (!point || failed < 0) return 'nowhere';
  // What was given up may still take effect: which way to go is known only when it has, or fails clearly.
  const isDone = async (): Promise<boolean> =>
    isTimeout(err) || point.isDone(deps.steps, specOf(edited, deps.host), wish);
  const isPast = failed > at || (failed === at && (await isDone()));
  if (!isPast) return 'before';
  return deps.tasks[name].steps.some((one) => one.name === step && isStart(one)) ? 'start' : 'past';
};

/** Of a step, and of the turning point. */
const placesOf = (tasks: Tasks, name: Task['name'], step: string | null): [number, number] => {
  const { steps, turn: point } = tasks[name];
  const placeOf = (wanted: string | null | undefined): number => steps.findIndex((one) => one.name === wanted);
  return [placeOf(step), placeOf(point?.at.name)];
};

const isTimeout = (err: unknown): boolean => err instanceof EcomputeError && err.code === 'ECOMPUTE_STEP_TIMED_OUT';

/** By the loop; meanwhile the record says what it waits for. */
const tryAgain = async (err: unknown, step: string | null, { writer }: Activation): Promise<never> => {
  const fault = toFault(err, step ?? 'wish');
  if (writer.record.fault?.message !== fault.message) await writer.update({ fault });
  throw err;
};

export interface FailedWish {
  readonly fault: Fault;
  readonly edited: BootRequest;
}

/**
 * Ends a wish that has failed, as what it was or as what was asked for. A crash on the way is taken up here. What fails is tried again,
 * except for the start of the guest.
 */
export const endFailed = async (task: Task, { fault, edited }: FailedWish, activation: Activation): Promise<void> => {
  const { deps, writer, request } = activation;
  const { name, wish } = task;
  const { turn: point, leavesGuest } = deps.tasks[name];
  const [failed, at] = placesOf(deps.tasks, name, fault.step);
  const isBack = failed <= at;
  const spec = specOf(isBack ? request : edited, deps.host);
  try {
    if (isBack) await runStepsOf(activation, { spec, steps: point?.back ?? [], wish });
    if (isBack && writer.record.state === 'active' && !leavesGuest) await startAgain(task, activation);
  } catch (thrown) {
    const err = causeOf(thrown);
    if (isOver(err, activation)) throw err;
    await tryAgain(err, writer.record.step?.name ?? null, activation);
  }
  const room = point?.room?.(deps.steps, { spec, signal: activation.signal });
  await end({ wish, reason: reasonOfFailure(wish), fault, leavesGuest, room, ...(!isBack && { edited }) }, activation);
};

/** Notes an outcome. What its change of room waits for is in the record meanwhile. */
export const end = async (ending: Ending, activation: Activation): Promise<void> => {
  const { wish, room } = ending;
  const { writer } = activation;
  try {
    await reportOutcome(activation, ending);
  } catch (err) {
    const isNoted = !wish || writer.record.wish_count >= wish.count;
    if (!room || isNoted || isOver(err, activation)) throw err;
    await tryAgain(err, writer.record.step?.name ?? null, activation);
  }
};

const isOver = (err: unknown, { signal }: Activation): boolean => isChanged(err) || signal.aborted || isElsewhere(err);

const startAgain = async ({ name }: Task, activation: Activation): Promise<void> => {
  const { deps, request, log } = activation;
  try {
    await runStepsOf(activation, { spec: specOf(request, deps.host), steps: deps.tasks.start.steps });
  } catch (thrown) {
    const err = causeOf(thrown);
    if (isOver(err, activation)) throw err;
    log.error({ err, instanceUuid: request.instance, task: name }, 'guest not started again');
  }
};
