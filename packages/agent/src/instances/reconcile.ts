import { bootRequestSchema, isDestroyWish, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import {
  instanceRecordSchema,
  isBuilt,
  isFailedBuild,
  type InstanceRecord,
} from '@etcd-compute/common/etcd/messages/instance-record';
import { isNotUnderstood, parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Entry } from '@etcd-compute/common/etcd/store';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { z } from 'zod';
import { newInterrupt, type Interrupt } from './build.js';
import { applyPlan, type ReconcileDeps } from './apply-plan.js';
import { isThere, observeDomain } from '../domains/domain.js';
import { findMissingDevices } from './missing-devices.js';
import { migrateRecord } from './migrate.js';
import { nextWish, planInstance, type HostFacts } from './plan.js';
import { createReadTogether } from './read-together.js';
import { isChanged, RecordWriter, type Stored } from './record-writer.js';
import { isAnythingLeft, undoCompletely } from '../steps/undo.js';

/**
 * Brings one instance from what is to what is wished, and its record to what is true. `activate` is all there is: a new request,
 * a restart of the agent, an event of libvirt and the periodic look all come here, and it reads everything anew.
 */
export interface InstanceReconciler {
  /** @throws when a server is away; nothing is undone then, and the next activation goes on. */
  activate(instance: InstanceUuid, signal: AbortSignal): Promise<ActivationResult>;
  /** The boot request may have changed: when it has, a step that only waits is ended, to be planned anew. */
  interrupt(instance: InstanceUuid): void;
}

export interface ActivationResult {
  /** When to look again, if nothing happens before. */
  readonly againAfterMs?: number;
}

const MAX_LOOKS = 20;
/** Nobody tells when a hypervisor process answers again. */
const UNRESPONSIVE_AGAIN_MS = 10_000;

interface Seen {
  readonly request: Stored<BootRequest>;
  readonly record: Stored<InstanceRecord> | undefined;
}

export const createInstanceReconciler = (deps: ReconcileDeps): InstanceReconciler => {
  /** The activations under way, with the revision of the boot request that each has read. */
  const activations = new Map<InstanceUuid, { interrupt: Interrupt; requestRevision?: string }>();
  /** Values that could not be read, by key, at the revision that was complained about: said once, not at every look. */
  const complained = new Map<string, string>();
  const read = createReadTogether(deps.store);

  const parse = <S extends z.ZodType>(schema: S, entry: Entry): Stored<z.output<S>> => ({
    value: parseMessage(schema, entry.key, entry.value),
    modRevision: entry.modRevision,
  });

  const observe = async (instance: InstanceUuid): Promise<Seen | 'gone' | 'elsewhere' | 'not-understood'> => {
    const [requestEntry, recordEntry] = await read([
      deps.keys.request(deps.host, instance),
      deps.keys.report(deps.host, instance),
    ]);
    if (!requestEntry) return 'gone';
    try {
      const request = parse(bootRequestSchema, requestEntry);
      if (request.value.instance !== instance) throw misplaced(requestEntry.key, request.value.instance);
      const migration = recordEntry ? 'nothing' : await migrateRecord(deps, request.value);
      if (migration === 'moved') return await observe(instance);
      if (migration === 'elsewhere') return migration;
      return { request, record: recordEntry && parse(instanceRecordSchema, recordEntry) };
    } catch (err) {
      if (!isNotUnderstood(err)) throw err;
      if (complained.get(requestEntry.key) !== requestEntry.modRevision)
        deps.log.error(
          { err, instanceUuid: instance, etcdKey: requestEntry.key },
          'boot request or record not understood, left as it is',
        );
      complained.set(requestEntry.key, requestEntry.modRevision);
      return 'not-understood';
    }
  };

  const startedAt = Date.now();
  const factsNow = (): HostFacts => ({
    host: deps.host,
    bootId: deps.bootId,
    resumesGuests: deps.steps.config.guests.resume,
    isDraining: deps.isDraining(),
  });

  /** Instances of which a step has ended after it was given up, so that something may be there that nobody wishes. */
  const late = new Set<InstanceUuid>();
  const onLateEnd = (instance: InstanceUuid): void => {
    late.add(instance);
    deps.wake(instance);
  };
  const build = { deps: deps.steps, log: deps.log };

  /** The instance has gone, or has moved on to another host, while a step of its build went on here. */
  const cleanUpLate = async (instance: InstanceUuid): Promise<void> => {
    if (!late.has(instance)) return;
    const { tasks, log } = deps;
    if (await isAnythingLeft(tasks.build.steps, { ...build, instance })) {
      log.warn({ instanceUuid: instance }, 'a step that took too long has made something of an instance that is gone');
      await undoCompletely(tasks.build.steps, { ...build, instance });
    }
    late.delete(instance);
  };

  const activateOnce = async (
    instance: InstanceUuid,
    signal: AbortSignal,
    interrupt: Interrupt,
  ): Promise<ActivationResult> => {
    const seen = await observe(instance);
    if (typeof seen === 'string') {
      deps.addresses.forget(instance);
      if (seen === 'gone') await cleanUpLate(instance);
      return {};
    }
    late.delete(instance);
    const { request, record } = seen;
    activations.set(instance, { interrupt, requestRevision: request.modRevision });
    const { state: domain, isResponsive } = await observeDomain(deps.steps.getConnection(), instance);
    const hasLeftovers =
      record !== undefined &&
      isFailedBuild(record.value) &&
      (await isAnythingLeft(deps.tasks.build.steps, { ...build, instance }));
    const missingDevices =
      record && isBuilt(record.value) && isThere(domain) ? await findMissingDevices(deps.steps, record.value) : [];
    const observed = { request: request.value, record: record?.value, domain, missingDevices, hasLeftovers };
    const plan = planInstance(observed, factsNow());
    if (plan.action === 'nothing' || (plan.action === 'build' && !deps.mayClaim())) return {};
    const writer = new RecordWriter(deps, request, record);
    await applyPlan(plan, {
      deps,
      writer,
      request: request.value,
      domain,
      isResponsive,
      isOlderThanAgent: record !== undefined && Date.parse(record.value.created_at) < startedAt,
      onLateEnd: () => onLateEnd(instance),
      signal,
      interrupt,
      log: deps.log,
    });
    const isWish = plan.action === 'carry-out' || plan.action === 'refuse-wish';
    const isCompletion = plan.action === 'report-nics' || plan.action === 'report-devices';
    const hasMore = isCompletion || (isWish && nextWish(request.value, writer.record));
    if (hasMore) return { againAfterMs: 0 };
    return isResponsive ? {} : { againAfterMs: UNRESPONSIVE_AGAIN_MS };
  };

  const interruptIfChanged = async (instance: InstanceUuid): Promise<void> => {
    // When etcd is away, the next write of what is in hand finds out.
    const entry = await deps.store.get(deps.keys.request(deps.host, instance)).catch(() => null);
    const current = activations.get(instance);
    if (entry === null || current?.requestRevision === undefined || current.requestRevision === entry?.modRevision)
      return;
    const changed = new EcomputeError('ECOMPUTE_INSTANCE_CHANGED', `the boot request of instance ${instance} changed`, {
      retryable: true,
    });
    current.interrupt.changed.abort(changed);
    if (isDestroyed(entry)) current.interrupt.destroyed.abort(changed);
  };

  return {
    activate: async (instance, signal) => {
      try {
        // A record or wish that changed under us is no failure: look again. The bound only guards against a mistake of ours.
        for (let look = 1; look <= MAX_LOOKS; look += 1) {
          const interrupt = newInterrupt();
          activations.set(instance, { interrupt });
          try {
            return await activateOnce(instance, signal, interrupt);
          } catch (err) {
            if (!isChanged(err)) throw err;
          }
        }
        return {};
      } finally {
        activations.delete(instance);
      }
    },
    interrupt: (instance) => {
      if (activations.has(instance)) void interruptIfChanged(instance);
    },
  };
};

const isDestroyed = (entry: Entry | undefined): boolean => {
  if (!entry) return true;
  try {
    return isDestroyWish(parseMessage(bootRequestSchema, entry.key, entry.value));
  } catch {
    return false; // the next look complains
  }
};

const misplaced = (key: string, instance: InstanceUuid): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_REQUEST_INVALID',
    `the value of etcd key ${key} is not understood: instance: it is ${instance}, and the key's is another`,
    { hint: `look at it with: etcdctl get ${key}` },
  );
