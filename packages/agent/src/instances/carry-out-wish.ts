import { EcomputeError } from '@etcd-compute/common/errors';
import { withOutcome, type Fault, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Wish } from '@etcd-compute/common/etcd/messages/wish';
import { isActionName, ACTIONS, type ActionName } from '@etcd-compute/common/wishes/kinds';
import { NO_ADDRESSES } from './address.js';
import { bootedWrites } from './booted.js';
import { specOf } from '../guest-config/guest-spec.js';
import { runSteps, StepError } from './build.js';
import type { InHand } from './carry-out.js';
import { findPauseReason, observeDomain, isThere } from '../domains/domain.js';
import { isElsewhere, toFault } from '../servers/fault.js';
import { guestStateOf } from './plan.js';
import { isChanged } from './record-writer.js';
import { refreshGuest } from './refresh-guest.js';
import type { Step } from '../steps/step.js';

interface Task {
  readonly name: ActionName;
  readonly reason: string;
  /** Null when nobody asked for it. */
  readonly wish: Wish | null;
}

/**
 * Carries out a wish once. What fails is not tried again until it is asked for again: the outcome in the record says why, and the record
 * in which state the guest is.
 */
export const carryOutWish = async (wish: Wish, inHand: InHand): Promise<void> => {
  const { kind } = wish;
  if (!isActionName(kind)) await fail(unknownWish(kind), { wish, step: null }, inHand);
  else await carryOutTask({ name: kind, wish, reason: `asked to be ${ACTIONS[kind].participle}` }, inHand);
};

/** The same for what nobody has asked for. */
export const carryOutTask = async (task: Task, inHand: InHand): Promise<void> => {
  const { deps, writer, request, domain, signal, interrupt, onLateEnd, log } = inHand;
  const { name, wish, reason } = task;
  const instanceUuid = request.instance;
  log.info({ instanceUuid, task: name, reason }, 'changing the instance');
  try {
    const { needs, steps: all } = deps.tasks[name];
    const steps = stepsOf(task, inHand);
    // Of one that was cut short, the domain may be what the steps before have made of it.
    if (needs && steps.length === all.length && !needs.includes(domain)) throw notPossible(task, domain);
    const spec = specOf(request, deps.host);
    await runSteps({ spec, steps, deps: deps.steps, writer, builds: deps.builds, log, signal, interrupt, onLateEnd });
  } catch (thrown) {
    const [step, err] = thrown instanceof StepError ? [thrown.step, thrown.cause] : [name, thrown];
    if (isChanged(err) || signal.aborted || isElsewhere(err)) throw err;
    log.error({ err, instanceUuid, task: name, step }, 'instance not changed');
    await fail(err, { wish, step }, inHand);
    return;
  }
  await report(inHand, { reason, ...outcomeOf(wish, writer.record, null) });
  log.info({ instanceUuid, task: name }, 'instance changed');
};

/** Goes on with the step that was cut short: a guest is not rebooted twice. A hard wish waits for nobody. */
const stepsOf = ({ name, wish }: Task, { deps, writer }: InHand): readonly Step[] => {
  const isHard = wish?.args['hard'] === true;
  const steps = deps.tasks[name].steps.filter(({ kind }) => !(isHard && kind === 'waiting'));
  const begun = steps.findIndex((step) => step.name === writer.record.step?.name);
  return steps.slice(Math.max(begun, 0));
};

const fail = async (
  err: unknown,
  { wish, step }: { readonly wish: Wish | null; readonly step: string | null },
  inHand: InHand,
): Promise<void> => {
  const fault = { ...toFault(err, step ?? 'wish'), step };
  const { record } = inHand.writer;
  await report(inHand, {
    reason: `could not be ${wish && isActionName(wish.kind) ? ACTIONS[wish.kind].participle : 'changed'}`,
    ...outcomeOf(wish, record, fault),
    // Nobody waits for what nobody asked for.
    ...(!wish && { fault }),
  });
};

const outcomeOf = (wish: Wish | null, record: InstanceRecord, fault: Fault | null): Partial<InstanceRecord> =>
  wish ? withOutcome(record, { count: wish.count, kind: wish.kind, at: new Date().toISOString(), fault }) : {};

/** What has become of the guest, as libvirt has it now. */
const report = async (
  inHand: InHand,
  changes: { readonly reason: string } & Partial<InstanceRecord>,
): Promise<void> => {
  const { deps, writer, request } = inHand;
  const { instance } = request;
  const connection = deps.steps.getConnection();
  const { state: domain, isResponsive } = await observeDomain(connection, instance);
  const paused = domain === 'paused' ? await findPauseReason(connection, instance) : null;
  const state = isThere(domain) ? guestStateOf(domain) : writer.record.state;
  deps.addresses.forget(instance);
  await writer.toState(
    state,
    { fault: null, paused, ...changes, step: null, ...NO_ADDRESSES },
    bootedWrites(deps, instance),
  );
  if (state === 'active') await refreshGuest({ ...inHand, domain, isResponsive });
};

const unknownWish = (kind: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_REQUEST_INVALID', `the agent of this host cannot '${kind}' an instance`, {
    hint: 'upgrade ecompute on this host, then ask again',
  });

const notPossible = ({ name }: Task, domain: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_REQUEST_INVALID', `could not ${name} it: its domain is ${domain}`);
