import { EcomputeError } from '@etcd-compute/common/errors';
import { isDestroyWish, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { canMoveOn, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Retry } from '@etcd-compute/common/etcd/messages/retry';
import { parseWant } from '@etcd-compute/common/capacity/want';
import { commit } from '../commit.js';
import { readInstances, type InstanceEntry, type Sought } from '../instances/instance-entry.js';
import { findHosts } from '../placing/candidates.js';
import { needsOfRequest, type DroppedHost } from '../selection/filters/presence.js';
import { toStrategy } from '../selection/strategies.js';
import type { Services } from '../services.js';
import { planMove, type Destination } from './plan-move.js';
import { describeFailed, takeRoom } from './take-room.js';

/**
 * Moves an instance whose host could not build it on to another host. Whoever comes across one may do it: who waits for the instance,
 * and the audit. All that is needed stands in its boot request.
 *
 *   allocate on another host  ->  one txn: request and record go there, with one attempt less, and leave the first host
 *
 * The txn compares the revisions of the old request, record and location. So of several who try at once one does it, the instance is
 * never wished for on two hosts, and no attempt is counted twice. Whoever dies in between leaves an allocation, which the next one
 * takes over (`take-room.ts`), or which the agent of its host releases as one without a request.
 */
export type MoveResult =
  | { readonly outcome: 'moved'; readonly record: InstanceRecord }
  /** It stays where it is: the fault is its own, or no attempts are left. */
  | { readonly outcome: 'final'; readonly failedHosts: readonly DroppedHost[] }
  /** No other host takes it now. No attempt was used. */
  | { readonly outcome: 'no-host'; readonly dropped: readonly DroppedHost[] }
  /** It is no longer as it was, or somebody else is moving it: look again. */
  | { readonly outcome: 'changed' };

/** An instance that may be moved on, and what its request says about it. */
export interface Movable extends InstanceEntry {
  readonly request: BootRequest;
  readonly record: InstanceRecord;
  readonly retry: Retry;
}

/** @throws EcomputeError what etcd and Placement say; retryable where a later try may do it. The instance is then as it was. */
export const moveOn = async (services: Services, sought: Sought): Promise<MoveResult> => {
  const [entry] = await readInstances(services, [sought]);
  if (entry?.record?.state !== 'error' || (entry.request && isDestroyWish(entry.request)))
    return { outcome: 'changed' };
  const movable = asMovable(entry);
  if (!movable) return { outcome: 'final', failedHosts: failedHostsOf(entry.request) };
  const { retry } = movable;
  const hosts = await findHosts({
    services,
    want: parseWant(retry.query),
    strategy: toStrategy(retry.strategy),
    count: 1,
    needsPresence: true,
    needs: needsOfRequest(movable.request),
  });
  const room = await takeRoom(services, movable, hosts);
  if (room.outcome !== 'taken') return room;
  return write(services, movable, { ...room, hostname: hosts.presences.get(room.candidate.host)?.hostname });
};

const failedHostsOf = (request: BootRequest | undefined): DroppedHost[] =>
  (request?.retry?.failed_hosts ?? []).map((one) => ({ host: one.host, reason: describeFailed(one) }));

/** Undefined unless its host could not build it and another one may be tried. */
export const asMovable = (entry: InstanceEntry): Movable | undefined => {
  const { request, record } = entry;
  if (!request?.retry || !record || isDestroyWish(request)) return undefined;
  const { retry } = request;
  return canMoveOn({ ...record, attempts_left: retry.attempts_left })
    ? { ...entry, request, record, retry }
    : undefined;
};

const write = async (services: Services, movable: Movable, to: Destination): Promise<MoveResult> => {
  const { record, guards, writes } = planMove(services.keys, movable, to);
  const { patienceMs } = services;
  const result = await commit({ store: await services.store(), guards, writes, patienceMs });
  if (result.outcome === 'committed') return { outcome: 'moved', record };
  if (result.outcome === 'lost-race') {
    await releaseUnused(services, movable);
    return { outcome: 'changed' };
  }
  // The room stays taken: it serves whoever tries next, and if it was written after all, it is in use.
  const { instance } = movable;
  const { host } = to.candidate;
  throw new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', `could not move instance ${instance} on to host ${host}`, {
    cause: result.err,
    details: { instance, host },
    retryable: true,
  });
};

/**
 * Somebody was quicker. Room that the instance does not use where it is now goes back; what is still to be moved on keeps it for the
 * next one who tries. Guarded by the consumer's generation: room that somebody else has taken over meanwhile is left to them.
 */
const releaseUnused = async (services: Services, { instance, host }: Movable): Promise<void> => {
  const capacity = await services.capacity();
  const held = await capacity.read(instance);
  const [entry] = await readInstances(services, [{ instance, host }]);
  if (entry && asMovable(entry)) return;
  const isUsed = entry?.request && Object.keys(entry.request.allocations).some((one) => one in held.allocations);
  if (isUsed || Object.keys(held.allocations).length === 0) return;
  await capacity.release(instance, held);
};
