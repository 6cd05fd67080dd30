import { EcomputeError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Resources, Want } from '@etcd-compute/common/capacity/capacity';
import { commit } from '../commit.js';
import { readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import type { Along, Binding } from '../placing/along.js';
import { findHosts } from '../placing/candidates.js';
import { needsOfRequest, type DroppedHost } from '../selection/filters/presence.js';
import type { Strategy } from '../selection/strategies.js';
import type { Services } from '../services.js';
import { planMove, type Destination, type PlannedMove } from './plan-move.js';
import { takeRoom } from './take-room.js';

/** An instance that has nothing on its host, and is to be built on a host that has room. */
export interface Relocation extends Binding {
  readonly entry: InstanceEntry & { readonly request: BootRequest; readonly record: InstanceRecord };
  readonly want: Want;
  readonly strategy: Strategy;
  /** What it allocates there in all. Undefined: whatever the want comes to. */
  readonly resources?: Resources | undefined;
  /** Hosts that are not to be tried, and why. */
  readonly excluded: readonly DroppedHost[];
  /** Its request there, but for what it allocates. */
  readonly request: BootRequest;
  /** What else its record says there. */
  readonly changes: Partial<InstanceRecord>;
  /** Why, for its record. @param to what people call the host. */
  readonly reason: (to: string) => string;
  /** Whether somebody may still want the same of what is there now: then room that was taken for it is kept. */
  readonly isWanted: (entry: InstanceEntry) => boolean;
}

export type RelocateResult =
  | { readonly outcome: 'moved'; readonly record: InstanceRecord }
  /** No host takes it now. */
  | { readonly outcome: 'no-host'; readonly dropped: readonly DroppedHost[] }
  /** It is no longer as it was, or somebody else is moving it: look again. */
  | { readonly outcome: 'changed' };

/**
 * Moves the request and the record of an instance to a host that has room.
 *
 *   allocate on a host  ->  one txn: request, record and location go there, and leave the host where they were
 *
 * The txn compares the revisions of the old request, record and location. So of several who try at once one does it, and the instance is
 * never wished for on two hosts. Whoever dies in between leaves an allocation, which the next one takes over (`take-room.ts`), or which the
 * agent of its host releases as one that belongs to nothing.
 *
 * @throws EcomputeError what etcd and Placement say; retryable where a later try may do it. The instance is then as it was.
 */
export const relocate = async (services: Services, relocation: Relocation): Promise<RelocateResult> => {
  const { request, want, strategy, refuses } = relocation;
  const needs = needsOfRequest(request);
  const excluded = [...relocation.excluded];
  for (;;) {
    const hosts = await findHosts({ services, want, strategy, count: 1, needsPresence: true, needs, refuses });
    const room = await takeRoom(services, { ...relocation, excluded }, hosts);
    if (room.outcome !== 'taken') return room;
    const { host } = room.candidate;
    const planned = await plan(services, relocation, { ...room, hostname: hosts.presences.get(host)?.hostname });
    if (!('refused' in planned)) return write(services, relocation, { planned, host });
    // Its room goes with the next host that is taken, or is released by the agent of this one.
    excluded.push({ host, reason: planned.refused });
  }
};

const plan = async (
  { keys }: Services,
  relocation: Relocation,
  to: Destination,
): Promise<PlannedMove | { readonly refused: string }> => {
  const planned = planMove(keys, relocation, to);
  const along = await relocation.along?.(planned.record);
  if (!along) return planned;
  return 'refused' in along ? along : withAlong(planned, along);
};

const withAlong = ({ record, guards, writes: [first, ...more] }: PlannedMove, along: Along): PlannedMove => ({
  record,
  guards: [...guards, ...along.guards],
  writes: [first, ...more, ...along.writes],
});

const write = async (
  services: Services,
  relocation: Relocation,
  { planned: { record, guards, writes }, host }: { planned: PlannedMove; host: ProviderUuid },
): Promise<RelocateResult> => {
  const { patienceMs } = services;
  const result = await commit({ store: await services.store(), guards, writes, patienceMs });
  if (result.outcome === 'committed') return { outcome: 'moved', record };
  if (result.outcome === 'lost-race') {
    await releaseUnused(services, relocation);
    return { outcome: 'changed' };
  }
  // The room stays taken: it serves whoever tries next, and if it was written after all, it is in use.
  const { instance } = relocation.entry;
  throw new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', `could not move instance ${instance} on to host ${host}`, {
    cause: result.err,
    details: { instance, host },
    retryable: true,
  });
};

/**
 * Somebody was quicker. Room that the instance does not use where it is now goes back; what is still to be moved keeps it for the next one
 * who tries. Guarded by the consumer's generation: room that somebody else has taken over meanwhile is left to them.
 */
const releaseUnused = async (
  services: Services,
  { entry: { instance, host }, isWanted }: Pick<Relocation, 'entry' | 'isWanted'>,
): Promise<void> => {
  const capacity = await services.capacity();
  const held = await capacity.read(instance);
  const [entry] = await readInstances(services, [{ instance, host }]);
  if (entry && isWanted(entry)) return;
  const isUsed = entry?.request && Object.keys(entry.request.allocations).some((one) => one in held.allocations);
  if (isUsed || Object.keys(held.allocations).length === 0) return;
  await capacity.release(instance, held);
};
