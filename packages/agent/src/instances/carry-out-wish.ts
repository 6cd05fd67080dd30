import { EcomputeError } from '@etcd-compute/common/errors';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { Wish } from '@etcd-compute/common/etcd/messages/wish';
import type { ActionKind } from '@etcd-compute/common/wishes/kind';
import { isActionName, ACTIONS } from '@etcd-compute/common/wishes/kinds';
import { stepsOf } from '../kinds/steps-of.js';
import { specOf } from '../guest-config/guest-spec.js';
import { causeOf, runStepsOf, StepError } from './build.js';
import type { Activation } from './apply-plan.js';
import { isUp } from '../domains/domain.js';
import { hostNetworksOf } from '../networks/host-networks.js';
import { isElsewhere } from '../servers/fault.js';
import { isChanged } from './record-writer.js';
import type { Step } from '../steps/step.js';
import { end, endFailed, turn } from './turn-back.js';
import { reportFailure, type Ending, type Task } from './wish-outcome.js';

/**
 * Carries out a wish once. What fails is not tried again until it is asked for again: the outcome in the record says why, and the record
 * in which state the guest is.
 */
export const carryOutWish = async (wish: Wish, activation: Activation): Promise<void> => {
  const { kind } = wish;
  if (!isActionName(kind)) await reportFailure(activation, { err: unknownWish(kind), wish, step: null });
  else await carryOutTask({ name: kind, wish, reason: `asked to be ${ACTIONS[kind].participle}` }, activation);
};

/** The same for what nobody has asked for. */
export const carryOutTask = async (task: Task, activation: Activation): Promise<void> => {
  const { deps, writer, request, signal, log } = activation;
  const { name, wish, reason } = task;
  const instanceUuid = request.instance;
  const edited = editedRequest(task, activation);
  const failed = wish && writer.record.outcomes.find(({ count }) => count === wish.count);
  if (failed?.fault) {
    await endFailed(task, { fault: failed.fault, edited }, activation);
    return;
  }
  log.info({ instanceUuid, task: name, reason }, 'changing the instance');
  const { leavesGuest, note, room } = deps.tasks[name];
  const ran = writer.record.state === 'active';
  let outcome: Pick<Ending, 'edited' | 'writes'> = {};
  try {
    const { steps, isFresh } = stepsLeft(task, activation);
    // Of one that was cut short, the domain may be what the steps before have made of it.
    if (!isFresh || isPossible(task, activation)) {
      const made = await runStepsOf(activation, { spec: specOf(edited, deps.host), steps, wish });
      const noted = note?.({ deps: deps.steps, request: edited, wish, ran, made, keys: deps.keys });
      outcome = { edited: noted?.request ?? edited, writes: noted?.writes ?? [] };
    }
  } catch (thrown) {
    const [step, err] = [thrown instanceof StepError ? thrown.step : null, causeOf(thrown)];
    if (isChanged(err) || signal.aborted || isElsewhere(err)) throw err;
    log.error({ err, instanceUuid, task: name, step }, 'instance not changed');
    await turn(task, { err, step, edited }, activation);
    return;
  }
  const change = room?.(deps.steps, { spec: specOf(edited, deps.host), signal });
  await end({ wish, reason, fault: null, leavesGuest, room: change, ...outcome }, activation);
  log.info({ instanceUuid, task: name }, 'instance changed');
};

const editedRequest = ({ name, wish }: Task, { request, writer: { record } }: Activation): BootRequest => {
  const { edit, args }: ActionKind = ACTIONS[name];
  return edit && wish ? edit(request, args.parse(wish.args), { nics: record.nics ?? [] }) : request;
};

/** @returns false when there is nothing to do. @throws EcomputeError when the instance cannot be changed so as it is. */
const isPossible = ({ name, wish }: Task, { deps, domain, request, writer: { record } }: Activation): boolean => {
  const { isNeeded, args }: ActionKind = ACTIONS[name];
  const networks = hostNetworksOf(deps.steps.config).map((network) => network.name);
  const found = { request, isRunning: isUp(domain), nics: record.nics, networks };
  if (wish && isNeeded && !isNeeded({ ...found, args: args.parse(wish.args) })) return false;
  const { needs } = deps.tasks[name];
  if (!needs || needs.includes(domain)) return true;
  throw new EcomputeError('ECOMPUTE_REQUEST_INVALID', `could not ${name} it: its domain is ${domain}`);
};

/** Goes on with the step that was cut short: a guest is not rebooted twice. */
const stepsLeft = (
  { name, wish }: Task,
  { deps, writer: { record } }: Activation,
): { readonly steps: readonly Step[]; readonly isFresh: boolean } => {
  const steps = stepsOf(deps.tasks, name, { ran: record.state === 'active', isHard: wish?.args['hard'] === true });
  let first = steps.findIndex((step) => step.name === record.step?.name);
  while (steps[first]?.usesMade) first -= 1;
  return { steps: steps.slice(Math.max(first, 0)), isFresh: first <= 0 };
};

const unknownWish = (kind: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_REQUEST_INVALID', `the agent of this host cannot '${kind}' an instance`, {
    hint: 'upgrade ecompute on this host, then ask again',
  });
