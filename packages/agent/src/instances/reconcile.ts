import type { Keys } from '@etcd-compute/common/etcd/keys';
import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import {
  instanceRecordSchema,
  type Fault,
  type InstanceRecord,
} from '@etcd-compute/common/etcd/messages/instance-record';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Entry, Store } from '@etcd-compute/common/etcd/store';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid, ProviderUuid, SessionUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { getAllocations, releaseAllocations } from '@etcd-compute/common/placement/allocations';
import type { PlacementClient } from '@etcd-compute/common/placement/client';
import type { LimitFunction } from 'p-limit';
import type { z } from 'zod';
import type { LeaseWatch } from '../networks/leases.js';
import { findAddress } from './address.js';
import { runSteps, specOf, StepError, stepsLeft, undoSteps } from './build.js';
import { observeDomain } from './domain.js';
import { isElsewhere, toFault } from './fault.js';
import { planInstance, type DomainState, type Plan } from './plan.js';
import { isChanged, RecordWriter, type Stored } from './record-writer.js';
import type { StepDeps } from './steps/step.js';

/**
 * Brings one instance from what is to what is wished, and its record to what is true. `activate` is all there is: a new request,
 * a restart of the agent, an event of libvirt and the periodic look all come here, and it reads everything anew.
 */
export interface ReconcileDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly placement: PlacementClient;
  readonly host: ProviderUuid;
  readonly session: SessionUuid;
  readonly steps: StepDeps;
  readonly leases: LeaseWatch;
  /** Bounds the builds that run at the same time. */
  readonly builds: LimitFunction;
  /** False once the agent is stopping: what is in hand is finished, nothing new is taken. */
  readonly mayClaim: () => boolean;
  readonly log: Logger;
}

export interface InstanceReconciler {
  /** @throws when a server is away; nothing is undone then, and the next activation goes on. */
  activate(instance: InstanceUuid, signal: AbortSignal): Promise<void>;
  /** The boot request may have changed: when it has, a step that only waits is ended, to be planned anew. */
  interrupt(instance: InstanceUuid): void;
}

const MAX_LOOKS = 20;

export const createInstanceReconciler = (deps: ReconcileDeps): InstanceReconciler => {
  /** The activations under way, with the revision of the boot request that each has read. */
  const inHand = new Map<InstanceUuid, { interrupt: AbortController; requestRevision?: string }>();
  /** Values that could not be read, by key, at the revision that was complained about: said once, not at every look. */
  const complained = new Map<string, string>();

  const parse = <S extends z.ZodType>(schema: S, entry: Entry | undefined): Stored<z.output<S>> | undefined => {
    if (!entry) return undefined;
    return { value: parseMessage(schema, entry.key, entry.value), modRevision: entry.modRevision };
  };

  const observe = async (
    instance: InstanceUuid,
  ): Promise<{ request: Stored<BootRequest>; record: Stored<InstanceRecord> | undefined } | undefined> => {
    const { entries } = await deps.store.getMany([deps.keys.request(deps.host, instance), deps.keys.record(instance)]);
    const [requestEntry, recordEntry] = entries;
    if (!requestEntry) return undefined;
    try {
      const request = parse(bootRequestSchema, requestEntry);
      if (request && request.value.instance !== instance) throw misplaced(requestEntry.key, request.value.instance);
      return request && { request, record: parse(instanceRecordSchema, recordEntry) };
    } catch (err) {
      if (complained.get(requestEntry.key) !== requestEntry.modRevision)
        deps.log.error(
          { err, instanceUuid: instance, etcdKey: requestEntry.key },
          'boot request or record not understood, left as it is',
        );
      complained.set(requestEntry.key, requestEntry.modRevision);
      return undefined;
    }
  };

  const activateOnce = async (
    instance: InstanceUuid,
    signal: AbortSignal,
    interrupt: AbortController,
  ): Promise<void> => {
    const seen = await observe(instance);
    if (!seen) {
      deps.leases.forget(instance);
      return;
    }
    const { request, record } = seen;
    inHand.set(instance, { interrupt, requestRevision: request.modRevision });
    const domain = await observeDomain(deps.steps.getConnection(), instance);
    const plan = planInstance({ request: request.value, record: record?.value, domain }, deps.host);
    if (plan.action === 'nothing' || (plan.action === 'build' && !deps.mayClaim())) return;
    const writer = new RecordWriter(deps, request, record);
    await carryOut(plan, { deps, writer, request: request.value, domain, signal, interrupt, log: deps.log });
  };

  const interruptIfChanged = async (instance: InstanceUuid): Promise<void> => {
    // When etcd is away, the next write of what is in hand finds out.
    const entry = await deps.store.get(deps.keys.request(deps.host, instance)).catch(() => null);
    const current = inHand.get(instance);
    if (entry === null || current?.requestRevision === undefined || current.requestRevision === entry?.modRevision)
      return;
    current.interrupt.abort(
      new EcomputeError('ECOMPUTE_INSTANCE_CHANGED', `the boot request of instance ${instance} changed`, {
        retryable: true,
      }),
    );
  };

  return {
    activate: async (instance, signal) => {
      try {
        // A record or wish that changed under us is no failure: look again. The bound only guards against a mistake of ours.
        for (let look = 1; look <= MAX_LOOKS; look += 1) {
          const interrupt = new AbortController();
          inHand.set(instance, { interrupt });
          try {
            await activateOnce(instance, signal, interrupt);
            return;
          } catch (err) {
            if (!isChanged(err)) throw err;
          }
        }
      } finally {
        inHand.delete(instance);
      }
    },
    interrupt: (instance) => {
      if (inHand.has(instance)) void interruptIfChanged(instance);
    },
  };
};

interface InHand {
  readonly deps: ReconcileDeps;
  readonly writer: RecordWriter;
  readonly request: BootRequest;
  readonly domain: DomainState;
  readonly signal: AbortSignal;
  readonly interrupt: AbortController;
  readonly log: Logger;
}

const carryOut = async (plan: Exclude<Plan, { action: 'nothing' }>, inHand: InHand): Promise<void> => {
  const { writer, deps, request, log } = inHand;
  const instanceUuid = request.instance;
  switch (plan.action) {
    case 'build':
      await build(inHand);
      return;
    case 'undo':
      await undoFailedBuild(inHand);
      return;
    case 'delete':
      await destroy(inHand);
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
    case 'report-lost': {
      const message = `the domain of instance ${instanceUuid} is gone; someone undefined it, and its disk may still be there`;
      log.error({ instanceUuid }, 'domain lost');
      const fault: Fault = {
        code: 'ECOMPUTE_DOMAIN_LOST',
        message,
        step: null,
        hint: 'destroy the instance, and boot again',
        retryable: false,
      };
      await writer.toState('error', { reason: 'domain lost', fault, addresses: [] }, [
        { op: 'delete', key: deps.keys.booted(instanceUuid) },
      ]);
      return;
    }
    case 'report':
      log.info({ instanceUuid, state: plan.state, reason: plan.reason }, 'instance changed');
      await writer.toState(plan.state, {
        reason: plan.reason,
        ...(plan.state === 'active' && { addresses: [], address_sources: null }),
      });
      if (plan.state === 'active') await findAddress(deps, writer);
      return;
    case 'find-address':
      await findAddress(deps, writer);
  }
};

const build = async (inHand: InHand): Promise<void> => {
  const { deps, writer, request, domain, signal, interrupt, log } = inHand;
  const { instance } = request;
  const startedAt = Date.now();
  const isResumed = writer.record.state === 'building' && writer.record.session !== deps.session;
  await writer.claim('building', 'claimed by the agent');
  log.info({ instanceUuid: instance, image: request.image }, isResumed ? 'build taken up again' : 'instance claimed');
  try {
    if (isResumed) await checkAllocation(inHand);
    if (domain === 'foreign') throw foreignDomain(instance);
    const spec = specOf(request, deps.host);
    await runSteps({
      spec,
      steps: stepsLeft(domain),
      deps: deps.steps,
      writer,
      builds: deps.builds,
      log,
      signal,
      interrupt,
    });
  } catch (thrown) {
    const [step, err] = thrown instanceof StepError ? [thrown.step, thrown.cause] : ['claim', thrown];
    if (isChanged(err) || signal.aborted || isElsewhere(err)) throw err;
    log.warn({ err, instanceUuid: instance, step }, 'build failed, undoing it');
    await writer.update({
      fault: toFault(err, step),
      step: { name: 'undo', since: new Date().toISOString(), progress: null },
    });
    await undoFailedBuild(inHand);
    return;
  }
  await writer.toState('active', {
    reason: 'the domain runs',
    step: null,
    fault: null,
    addresses: [],
    address_sources: null,
  });
  log.info({ instanceUuid: instance, durationMs: Date.now() - startedAt }, 'instance active');
  await findAddress(deps, writer);
};

/**
 * A build that an earlier session began may have been on its way to be undone: without its allocation it must not run.
 */
const checkAllocation = async ({ deps, request }: InHand): Promise<void> => {
  const held = await getAllocations(deps.placement, request.instance);
  if (Object.keys(held.allocations).length > 0) return;
  throw new EcomputeError(
    'ECOMPUTE_REQUEST_INVALID',
    `instance ${request.instance} holds no allocation in Placement any more`,
    {
      hint: 'destroy it, and boot again',
    },
  );
};

const misplaced = (key: string, instance: InstanceUuid): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_REQUEST_INVALID',
    `the value of etcd key ${key} is not understood: instance: it is ${instance}, and the key's is another`,
    { hint: `look at it with: etcdctl get ${key}` },
  );

/**
 * Gives back what the instance holds here. An allocation that has nothing on this host is another host's business: the
 * request had come to the wrong one.
 */
const release = async ({ deps, request }: InHand): Promise<void> => {
  const { allocations } = await getAllocations(deps.placement, request.instance);
  const providers = Object.keys(allocations).map((provider) => provider.toLowerCase());
  if (providers.includes(deps.host)) await releaseAllocations(deps.placement, request.instance);
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
const undoFailedBuild = async (inHand: InHand): Promise<void> => {
  const { deps, writer, request, log } = inHand;
  await undoSteps(deps.steps, request.instance, log);
  await release(inHand);
  const { fault } = writer.record;
  await writer.toState('error', { reason: fault?.message ?? 'the build failed', step: null });
  log.warn({ instanceUuid: request.instance, code: fault?.code }, 'failed build undone');
};

const destroy = async (inHand: InHand): Promise<void> => {
  const { deps, writer, request, log } = inHand;
  const { instance } = request;
  const startedAt = Date.now();
  deps.leases.forget(instance);
  await writer.claim('deleting', 'asked to be destroyed');
  try {
    await undoSteps(deps.steps, instance, log);
    await release(inHand);
  } catch (err) {
    // Tried again by the loop; meanwhile the record says what it waits for.
    const fault = toFault(err, 'delete');
    if (!isChanged(err) && writer.record.fault?.message !== fault.message)
      await writer.update({ fault }).catch(() => undefined);
    throw err;
  }
  await writer.finishDelete();
  log.info({ instanceUuid: instance, durationMs: Date.now() - startedAt }, 'instance deleted');
};
