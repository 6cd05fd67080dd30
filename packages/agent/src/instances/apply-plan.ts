import type { Keys } from '@etcd-compute/common/etcd/keys';
import { withoutCopies, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { Fault, InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Store, Write } from '@etcd-compute/common/etcd/store';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid, ProviderUuid, SessionUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { reportedOf } from '@etcd-compute/common/wishes/reported';
import type { LimitFunction } from 'p-limit';
import type { Fence } from '../session/fence.js';
import type { AddressWatch } from '../addresses/address-watch.js';
import { NO_ADDRESSES, refreshAddresses } from './address.js';
import { bootedWrites } from './booted.js';
import { carryOutTask, carryOutWish } from './carry-out-wish.js';
import { specOf } from '../guest-config/guest-spec.js';
import { runStepsOf, StepError, stepsLeft, type Interrupt } from './build.js';
import { isElsewhere, toFault } from '../servers/fault.js';
import type { LostDomains } from './lost-domains.js';
import { isUp, type DomainState } from '../domains/domain.js';
import type { Plan } from './plan.js';
import { isChanged, type RecordWriter } from './record-writer.js';
import { readReportedNics, reportedNicsOf } from './reported-nics.js';
import { refreshGuest } from './refresh-guest.js';
import { reportFailure } from './wish-outcome.js';
import { isStart } from '../kinds/steps-of.js';
import { copiesOf, discardCopies } from '../snapshots/copies.js';
import { isHeldHere, releaseWith } from '../steps/release-room.js';
import type { MadeSoFar, StepDeps } from '../steps/step.js';
import type { Tasks } from '../kinds/tasks.js';
import { undoCompletely } from '../steps/undo.js';

export interface ReconcileDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly session: SessionUuid;
  readonly fence: Pick<Fence, 'guard'>;
  readonly writesBooted: boolean;
  readonly steps: StepDeps;
  readonly tasks: Tasks;
  /** The host's boot, /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
  readonly addresses: AddressWatch;
  readonly lostDomains: LostDomains;
  /** Bounds the builds that run at the same time. */
  readonly builds: LimitFunction;
  /** False once the agent is stopping: what is in hand is finished, nothing new is taken. */
  readonly mayClaim: () => boolean;
  /** The host is drained: what is there goes on, nothing new is built. */
  readonly isDraining: () => boolean;
  /** Has the instance looked at again. */
  readonly wake: (instance: InstanceUuid) => void;
  readonly log: Logger;
}

/** One activation: what it has read, and what it writes with. */
export interface Activation {
  readonly deps: ReconcileDeps;
  readonly writer: RecordWriter;
  readonly request: BootRequest;
  readonly domain: DomainState;
  /** False while the domain's hypervisor process does not answer. */
  readonly isResponsive: boolean;
  /** The record was made before this agent started. */
  readonly isOlderThanAgent: boolean;
  /** A step that was given up has ended after all. */
  readonly onLateEnd: () => void;
  readonly signal: AbortSignal;
  readonly interrupt: Interrupt;
  readonly log: Logger;
}

/** Takes the steps that a plan asks for. */
export const applyPlan = async (plan: Exclude<Plan, { action: 'nothing' }>, activation: Activation): Promise<void> => {
  const { writer, deps, request, log } = activation;
  const instanceUuid = request.instance;
  switch (plan.action) {
    case 'build':
      await build(activation);
      return;
    case 'decline':
      await decline(activation);
      return;
    case 'undo':
      await undoFailedBuild(activation);
      return;
    case 'clean-up':
      await cleanUp(activation);
      return;
    case 'delete':
      await destroy(activation);
      return;
    case 'refuse-wish':
      await reportFailure(activation, { wish: plan.wish, err: isShelved(instanceUuid), step: null });
      return;
    case 'carry-out':
      await carryOutWish(plan.wish, activation);
      return;
    case 'start-again':
      await carryOutTask({ name: plan.task, reason: plan.reason, wish: null }, activation);
      return;
    case 'adopt':
      log.warn({ instanceUuid, state: plan.state }, 'instance without a record taken over as it was found');
      await writer.adopt(plan.state, plan.reason);
      if (plan.state === 'active') await refreshGuest(activation);
      return;
    case 'refuse': {
      log.warn({ instanceUuid, why: plan.why }, 'boot request refused');
      const fault: Fault = {
        code: 'ECOMPUTE_REQUEST_INVALID',
        message: plan.why,
        step: null,
        hint: 'destroy it, and boot again',
        retryable: false,
      };
      await writer.toState('error', { reason: plan.why, fault });
      return;
    }
    case 'report-nics':
      await writer.update({ nics: await readReportedNics(deps.steps, { ...request, nics: writer.record.nics }) });
      return;
    case 'report-devices':
      log[plan.fault ? 'error' : 'info'](
        { instanceUuid, fault: plan.fault?.message },
        'devices of the domain looked through',
      );
      await writer.update({ fault: plan.fault });
      return;
    case 'report-edits':
      await writer.update(reportedOf(request));
      log.info({ instanceUuid, name: writer.record.name }, 'instance edited');
      return;
    case 'report-lost': {
      if (await deps.lostDomains.areTooMany()) return;
      const message = `the domain of instance ${instanceUuid} is gone; someone undefined it, and its disk may still be there`;
      log.error({ instanceUuid }, 'domain lost');
      const fault: Fault = {
        code: 'ECOMPUTE_DOMAIN_LOST',
        message,
        step: null,
        hint: 'destroy the instance if its domain is gone for good; if the domain comes back, so does the instance',
        retryable: false,
      };
      deps.addresses.forget(instanceUuid);
      const changes = { reason: 'domain lost', fault, ...NO_ADDRESSES };
      await writer.toState('error', changes, { also: bootedWrites(deps, instanceUuid) });
      return;
    }
    case 'report': {
      log.info({ instanceUuid, state: plan.state, reason: plan.reason }, 'instance changed');
      const isMended = plan.state === 'active' || writer.record.state === 'error';
      deps.addresses.forget(instanceUuid);
      const changes = { reason: plan.reason, ...NO_ADDRESSES, ...(isMended && { fault: null }) };
      await writer.toState(plan.state, changes, {
        also: [...bootedWrites(deps, instanceUuid), ...endShelving(activation)],
      });
      if (plan.state === 'active') await refreshGuest(activation);
      return;
    }
    case 'refresh-guest':
      await refreshGuest(activation);
  }
};

const build = async (activation: Activation): Promise<void> => {
  const { deps, writer, request, domain, signal, log } = activation;
  const { instance } = request;
  const startedAt = Date.now();
  const isResumed = writer.record.state === 'building' && writer.record.session !== deps.session;
  await writer.claim('building', 'claimed by the agent');
  log.info({ instanceUuid: instance, image: request.image }, isResumed ? 'build taken up again' : 'instance claimed');
  let made: MadeSoFar;
  try {
    // A guest that runs is never undone.
    if (!isUp(domain) && (isResumed || activation.isOlderThanAgent)) await checkAllocation(activation);
    if (domain === 'foreign') throw foreignDomain(instance);
    const left = stepsLeft(domain, deps.tasks);
    const steps = staysOff(request) ? left.filter((step) => !isStart(step)) : left;
    made = await runStepsOf(activation, { spec: specOf(request, deps.host), steps });
  } catch (thrown) {
    const [step, err] = thrown instanceof StepError ? [thrown.step, thrown.cause] : ['claim', thrown];
    if (isChanged(err) || signal.aborted || isElsewhere(err)) throw err;
    log.warn({ err, instanceUuid: instance, step }, 'build failed, undoing it');
    await writer.update({
      fault: toFault(err, step),
      step: { name: 'undo', since: new Date().toISOString(), progress: null },
    });
    await undoFailedBuild(activation);
    return;
  }
  const [state, reason] = staysOff(request)
    ? (['stopped', 'built from its copies, and off as before'] as const)
    : (['active', 'the domain runs'] as const);
  const changes: Partial<InstanceRecord> = {
    step: null,
    fault: null,
    ...NO_ADDRESSES,
    // Nothing was made of a build that was cut short after the definition: the next look reads them.
    ...(made.nics && { nics: reportedNicsOf(made.nics) }),
  };
  await writer.toState(state, { reason, ...changes }, { also: endShelving(activation) });
  log.info({ instanceUuid: instance, durationMs: Date.now() - startedAt }, `instance ${state}`);
  if (state === 'active') await refreshAddresses(deps, writer);
};

/** It was off when it was shelved. */
const staysOff = ({ shelved }: BootRequest): boolean => shelved?.was_running === false;

/** Its disks are here again: from now on its request names no copies, and nothing is made from them. */
const endShelving = ({ writer, request }: Activation): readonly Write[] =>
  request.shelved ? [writer.requestWrite(withoutCopies(request))] : [];

const isShelved = (instance: InstanceUuid): EcomputeError =>
  new EcomputeError('ECOMPUTE_WISH_REFUSED', `instance ${instance} is shelved, and has no guest`, {
    hint: 'unshelve it first',
  });

/** Nothing was built. What a failed build has to give back is given back the same way, also after a crash; then another host may have it. */
const decline = async (activation: Activation): Promise<void> => {
  const { writer, request, log } = activation;
  log.warn({ instanceUuid: request.instance }, 'instance declined, because this host is drained');
  const fault: Fault = {
    code: 'ECOMPUTE_HOST_DRAINING',
    message: 'the host is being drained, and takes no new instances',
    step: 'claim',
    hint: 'while attempts are left, whoever waits for it moves it on, or eschedule audit --fix; otherwise destroy it, and boot again',
    retryable: true,
  };
  await writer.claim('building', 'declined: the host is being drained', { fault });
  await undoFailedBuild(activation);
};

/**
 * A build that an earlier session began may have been on its way to be undone: without its allocation it must not run. And while the agent
 * was away, the instance may have been destroyed, or built on another host, and etcd restored since.
 */
const checkAllocation = async ({ deps, request }: Activation): Promise<void> => {
  if (await isHeldHere(deps.steps, request.instance)) return;
  throw new EcomputeError(
    'ECOMPUTE_REQUEST_INVALID',
    `instance ${request.instance} no longer has an allocation on this host in Placement`,
    {
      hint: 'destroy it, and boot again',
    },
  );
};

const foreignDomain = (instance: InstanceUuid): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_DOMAIN_FOREIGN',
    `a domain ${instance} is there already and was not made by ecompute; it is left alone`,
    {
      hint: `look at it with: virsh dumpxml ${instance}`,
    },
  );

/** The record says `building` with a fault until all is gone, so a crash here is taken up here. */
const undoFailedBuild = async (activation: Activation): Promise<void> => {
  const { deps, writer, request, log } = activation;
  await undoCompletely(deps.tasks.build.steps, { deps: deps.steps, instance: request.instance, log });
  const { fault } = writer.record;
  const changes = { reason: fault?.message ?? 'the build failed', step: null };
  await writer.toState('error', changes, { room: releaseWith(deps.steps, request.instance) });
  log.warn({ instanceUuid: request.instance, code: fault?.code }, 'failed build undone');
};

/** What a failed build has made behind its undo goes too. The first write makes sure that this agent may still do that. */
const cleanUp = async ({ deps, writer, request: { instance }, log }: Activation): Promise<void> => {
  await writer.startStep('undo');
  log.warn({ instanceUuid: instance }, 'something of a failed build is there again, undoing it once more');
  await undoCompletely(deps.tasks.build.steps, { deps: deps.steps, instance, log });
  await writer.update({ step: null });
};

const destroy = async (activation: Activation): Promise<void> => {
  const { deps, writer, request, log } = activation;
  const { instance } = request;
  const startedAt = Date.now();
  deps.addresses.forget(instance);
  const copies = copiesOf(deps.steps, instance).map((copy) => deps.keys.imageSnapshot(deps.host, copy));
  await writer.claim('deleting', 'asked to be destroyed');
  try {
    await undoCompletely(deps.tasks.build.steps, { deps: deps.steps, instance, log });
    await discardCopies(deps.steps, instance);
    await writer.finishDelete(copies, releaseWith(deps.steps, instance));
  } catch (err) {
    // Tried again by the loop; meanwhile the record says what it waits for.
    const fault = toFault(err, 'delete');
    if (!isChanged(err) && writer.record.fault?.message !== fault.message)
      await writer.update({ fault }).catch(() => undefined);
    throw err;
  }
  log.info({ instanceUuid: instance, durationMs: Date.now() - startedAt }, 'instance deleted');
};
