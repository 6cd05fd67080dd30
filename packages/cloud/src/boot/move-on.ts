import { isDestroyWish, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { canMoveOn, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Retry } from '@etcd-compute/common/etcd/messages/retry';
import { parseWant } from '@etcd-compute/common/capacity/want';
import { readInstances, type InstanceEntry, type Sought } from '../instances/instance-entry.js';
import type { DroppedHost } from '../selection/filters/presence.js';
import { toStrategy } from '../selection/strategies.js';
import type { Services } from '../services.js';
import { relocate, type RelocateResult } from './relocate.js';

/**
 * What became of an instance whose host could not build it. Whoever comes across one may move it on to another host: who waits for the
 * instance, and the audit. All that is needed stands in its boot request. No attempt is counted twice, and none when no host takes it.
 */
export type MoveResult =
  | RelocateResult
  /** It stays where it is: the fault is its own, or no attempts are left. */
  | { readonly outcome: 'final'; readonly failedHosts: readonly DroppedHost[] };

/** An instance that may be moved on, and what its request says about it. */
interface Movable extends InstanceEntry {
  readonly request: BootRequest;
  readonly record: InstanceRecord;
  readonly retry: Retry;
}

/** A reason may quote what a server said, and all of them stand in the request. */
const MAX_REASON = 200;

/** @throws EcomputeError what etcd and Placement say; retryable where a later try may do it. The instance is then as it was. */
export const moveOn = async (services: Services, sought: Sought): Promise<MoveResult> => {
  const [entry] = await readInstances(services, [sought]);
  if (entry?.record?.state !== 'error' || (entry.request && isDestroyWish(entry.request)))
    return { outcome: 'changed' };
  const movable = asMovable(entry);
  if (!movable) return { outcome: 'final', failedHosts: failedHostsOf(entry.request?.retry) };
  const reason = movable.record.fault?.message ?? 'no reason was given';
  const retry = afterFailure(movable, reason);
  return relocate(services, {
    entry: movable,
    want: parseWant(retry.query),
    strategy: toStrategy(retry.strategy),
    excluded: failedHostsOf(retry),
    request: { ...movable.request, retry },
    changes: { attempts_left: retry.attempts_left },
    reason: (to) => `moved on to ${to} after a failed build: ${reason}`,
    isWanted: (now) => asMovable(now) !== undefined,
  });
};

const afterFailure = ({ retry, host }: Movable, reason: string): Retry => ({
  ...retry,
  attempts_left: retry.attempts_left - 1,
  failed_hosts: [...retry.failed_hosts, { host, reason: reason.slice(0, MAX_REASON) }],
});

const failedHostsOf = (retry: Retry | undefined): DroppedHost[] =>
  (retry?.failed_hosts ?? []).map(({ host, reason }) => ({
    host,
    reason: `it failed to build the instance: ${reason}`,
  }));

/** Undefined unless its host could not build it and another one may be tried. */
const asMovable = (entry: InstanceEntry): Movable | undefined => {
  const { request, record } = entry;
  if (!request?.retry || !record || isDestroyWish(request)) return undefined;
  const { retry } = request;
  return canMoveOn({ ...record, attempts_left: retry.attempts_left })
    ? { ...entry, request, record, retry }
    : undefined;
};
