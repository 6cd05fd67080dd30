import { EcomputeError, type ErrorCode } from '@etcd-compute/common/errors';
import { canMoveOn, type Fault, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { moveOn } from '../boot/move-on.js';
import { explainHosts } from '../hosts/explain-agent.js';
import { readPresencesIfPossible } from '../hosts/presences.js';
import { nameOf, readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import type { Run } from '../run.js';
import type { Services } from '../services.js';
import { isIn, waitUntil } from '../wait-until.js';

/** What a record says of a wish: undefined while it is not carried out; null when it was. */
export type OutcomeIn = (record: InstanceRecord) => Fault | null | undefined;

export interface PendingWish {
  entry: InstanceEntry;
  readonly outcomeIn: OutcomeIn;
}

const resultOf = (record: InstanceRecord | undefined, outcomeIn: OutcomeIn): { error?: EcomputeError } | undefined => {
  if (!record || record.state === 'deleting' || record.state === 'deleted')
    return {
      error: new EcomputeError(
        'ECOMPUTE_INSTANCE_CHANGED',
        `${record ? `instance ${record.instance}` : 'the instance'} was destroyed meanwhile`,
      ),
    };
  // What could not be built, or is lost, carries out nothing.
  if (record.state === 'error') return failed('ECOMPUTE_INSTANCE_FAILED', record, record.fault);
  const fault = outcomeIn(record);
  return fault === undefined ? undefined : failed('ECOMPUTE_WISH_FAILED', record, fault);
};

const failed = (code: ErrorCode, { instance, host }: InstanceRecord, fault: Fault | null): { error?: EcomputeError } =>
  fault
    ? {
        error: new EcomputeError(code, `instance ${instance}: ${fault.message}`, {
          details: { instance, host, fault },
          ...(fault.hint !== null && { hint: fault.hint }),
        }),
      }
    : {};

export interface WaitForWishesOptions {
  readonly wishes: readonly PendingWish[];
  readonly timeoutMs: number;
}

/** What is asked of an instance while it boots goes along to another host. @returns whether that, or something else, is still to come. */
const isMovedOn = async (services: Services, entry: InstanceEntry, guard: Run['guard']): Promise<boolean> => {
  const { outcome } = await guard(() => moveOn(services, entry));
  return outcome === 'moved' || outcome === 'changed';
};

/** Waits until the wishes are carried out. @returns the errors of those that failed, or are not carried out in time. */
export const waitForWishes = async (
  services: Services,
  { wishes, timeoutMs }: WaitForWishesOptions,
  { signal, emit, guard }: Run,
): Promise<EcomputeError[]> => {
  const errors: EcomputeError[] = [];
  const pending = new Set(wishes);
  await waitUntil({
    store: await services.store(),
    keys: () => wishes.map(({ entry }) => entry.recordKey),
    timeoutMs,
    signal,
    check: async (changed) => {
      const looked = [...pending].filter(({ entry }) => isIn(changed, entry.recordKey));
      const found = await readInstances(
        services,
        looked.map(({ entry }) => entry),
      );
      for (const [index, wish] of looked.entries()) {
        // Its record may have moved: with it to another host, or because its agent was upgraded.
        wish.entry = found[index] ?? wish.entry;
        const { record, instance, host } = wish.entry;
        if (record && canMoveOn(record) && (await isMovedOn(services, wish.entry, guard))) continue;
        const result = resultOf(record, wish.outcomeIn);
        if (result) pending.delete(wish);
        if (result?.error) errors.push(result.error);
        const step = record?.step;
        const name = nameOf(wish.entry);
        if (!result && step) emit({ type: 'changing', instance, name, host, step: step.name, since: step.since });
      }
      return pending.size === 0;
    },
  });
  const presences = await readPresencesIfPossible(
    services,
    [...pending].map(({ entry }) => entry.host),
  );
  for (const { entry } of pending)
    errors.push(
      new EcomputeError(
        'ECOMPUTE_TIMED_OUT',
        `instance ${entry.instance} has not done as asked within ${timeoutMs / 1000} s${explainHosts([entry.host], presences)}`,
        {
          details: { waitedFor: 'wish', instance: entry.instance, host: entry.host },
          hint: 'the request is stored',
        },
      ),
    );
  return errors;
};
