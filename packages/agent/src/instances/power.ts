import { NO_ADDRESSES, refreshAddresses } from './address.js';
import { bootedWrites } from './booted.js';
import { runSteps, specOf, StepError } from './build.js';
import type { InHand } from './carry-out.js';
import { observeDomain } from './domain.js';
import { isElsewhere, toFault } from './fault.js';
import { isUp, pendingPower, type Plan } from './plan.js';
import { isChanged } from './record-writer.js';
import type { Step } from './steps/step.js';

type PowerPlan = Extract<Plan, { action: 'power' }>;

/**
 * A reboot that was cut short while it started the guest again only starts it: the guest is not rebooted twice. One that is hard
 * asks nobody.
 */
const stepsOf = ({ task }: PowerPlan, { deps, writer, request }: InHand): readonly Step[] => {
  const { step } = writer.record;
  const isHard = pendingPower(request, writer.record)?.hard === true;
  const steps = deps.tasks[task];
  const start = steps.findIndex(({ kind }) => kind === 'starting');
  const hasBegunToStart = task === 'reboot' && steps.slice(start).some(({ name }) => name === step?.name);
  return steps.slice(hasBegunToStart ? start : 0).filter(({ kind }) => !(isHard && kind === 'waiting'));
};

/**
 * Starts, stops or reboots the guest, once for each time that it was asked for. What fails is not tried again until it is asked for
 * again: the record says why, and in which state the guest is.
 */
export const changePower = async (plan: PowerPlan, inHand: InHand): Promise<void> => {
  const { deps, writer, request, signal, interrupt, onLateEnd, log } = inHand;
  const instanceUuid = request.instance;
  const carriedOut = { power_count: request.power?.count ?? writer.record.power_count, step: null };
  log.info({ instanceUuid, task: plan.task, reason: plan.reason }, 'changing the power of the instance');
  try {
    const steps = stepsOf(plan, inHand);
    const spec = specOf(request, deps.host);
    await runSteps({ spec, steps, deps: deps.steps, writer, builds: deps.builds, log, signal, interrupt, onLateEnd });
  } catch (thrown) {
    const [step, err] = thrown instanceof StepError ? [thrown.step, thrown.cause] : [plan.task, thrown];
    if (isChanged(err) || signal.aborted || isElsewhere(err)) throw err;
    log.error({ err, instanceUuid, task: plan.task, step }, 'power of the instance not changed');
    const { state } = await observeDomain(deps.steps.getConnection(), instanceUuid);
    const isRunning = isUp(state);
    if (!isRunning) deps.addresses.forget(instanceUuid);
    await writer.toState(
      isRunning ? 'active' : 'stopped',
      {
        ...carriedOut,
        reason: `could not ${plan.task} it`,
        fault: toFault(err, step),
        ...(!isRunning && NO_ADDRESSES),
      },
      isRunning ? [] : bootedWrites(deps, instanceUuid),
    );
    return;
  }
  const isStopped = plan.task === 'stop';
  deps.addresses.forget(instanceUuid);
  await writer.toState(
    isStopped ? 'stopped' : 'active',
    {
      ...carriedOut,
      reason: plan.reason,
      fault: null,
      ...NO_ADDRESSES,
    },
    bootedWrites(deps, instanceUuid),
  );
  log.info({ instanceUuid, task: plan.task }, 'power of the instance changed');
  if (!isStopped) await refreshAddresses(deps, writer);
};
