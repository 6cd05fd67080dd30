import { EcomputeError } from '@etcd-compute/common/errors';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { withPendingOutcome, type Fault } from '@etcd-compute/common/etcd/messages/instance-record';
import { isStart } from '../kinds/steps-of.js';
import { specOf } from '../guest-config/guest-spec.js';
import { causeOf, runInHand } from './build.js';
import type { InHand } from './apply-plan.js';
import { isElsewhere, toFault } from '../servers/fault.js';
import { isChanged } from './record-writer.js';
import { newOutcome, reasonOfFailure, reportFailure, reportOutcome, type Task } from './wish-outcome.js';

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
export const turn = async (task: Task, { err, step, edited }: FailedStep, inHand: InHand): Promise<void> => {
  const { wish } = task;
  const side = await sideOf(task, { err, step, edited }, inHand);
  if (side === 'before' && wish) {
    const { writer } = inHand;
    // The outcome without its count says that the way back has begun.
    const fault = toFault(err, step ?? 'wish');
    await writer.update({ ...withPendingOutcome(writer.record, newOutcome(wish, fault)), step: null });
    await goBack(task, fault, inHand);
  } else if (side === 'past') {
    // Tried again by the loop; meanwhile the record says what it waits for.
    const fault = toFault(err, step ?? 'wish');
    if (inHand.writer.record.fault?.message !== fault.message) await inHand.writer.update({ fault });
    throw err;
  } else {
    const { leavesGuest } = inHand.deps.tasks[task.name];
    await reportFailure(inHand, { wish, err, step, leavesGuest, ...(side === 'start' && { edited }) });
  }
};

/** Where the step is. `nowhere`: there is no turning point, or nothing was begun. `start`: of the guest, past the turning point. */
type Side = 'nowhere' | 'before' | 'past' | 'start';

const sideOf = async ({ name }: Task, { err, step, edited }: FailedStep, { deps }: InHand): Promise<Side> => {
  const { steps, turn: point } = deps.tasks[name];
  const failed = steps.findIndex((candidate) => candidate.name === step);
  if (!point || failed < 0) return 'nowhere';
  const at = steps.findIndex((candidate) => candidate.name === point.at.name);
  // What was given up may still take effect: which way to go is known only when it has, or fails clearly.
  const isDone = async (): Promise<boolean> => isTimeout(err) || point.isDone(deps.steps, specOf(edited, deps.host));
  const isPast = failed > at || (failed === at && (await isDone()));
  if (!isPast) return 'before';
  return steps.some((candidate) => candidate.name === step && isStart(candidate)) ? 'start' : 'past';
};

const isTimeout = (err: unknown): boolean => err instanceof EcomputeError && err.code === 'ECOMPUTE_STEP_TIMED_OUT';

/** To what was. A crash on the way is taken up here; what fails is tried again, except for the start of the guest. */
export const goBack = async (task: Task, fault: Fault, inHand: InHand): Promise<void> => {
  const { deps, writer, request, signal, log } = inHand;
  const spec = specOf(request, deps.host);
  const run = async (steps: Parameters<typeof runInHand>[1]['steps']): Promise<void> => {
    await runInHand(inHand, { spec, steps });
  };
  await run(deps.tasks[task.name].turn?.back ?? []);
  if (writer.record.state === 'active') {
    try {
      await run(deps.tasks.start.steps);
    } catch (thrown) {
      const err = causeOf(thrown);
      if (isChanged(err) || signal.aborted || isElsewhere(err)) throw err;
      log.error({ err, instanceUuid: request.instance, task: task.name }, 'guest not started again');
    }
  }
  await reportOutcome(inHand, { wish: task.wish, reason: reasonOfFailure(task.wish), fault });
};
