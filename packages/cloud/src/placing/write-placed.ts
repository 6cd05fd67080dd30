import { isDeepStrictEqual } from 'node:util';
import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import { toError } from '@etcd-compute/common/errors';
import { MAX_OPERATIONS } from '@etcd-compute/common/etcd/store';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { findFreeNames } from '../instances/names.js';
import type { Candidate, Claim } from '@etcd-compute/common/capacity/capacity';
import { allocationOf, isReleased } from './allocate-one.js';
import type { FindOptions, FoundHosts } from './candidates.js';
import type { CommitResult } from '../commit.js';
import { requestLost, requestNotWritten, requestRaced } from './placing-errors.js';
import { commitRequests, planRequest, type InstanceSpec, type PlannedRequest } from './write-request.js';

/** An instance that is to have a candidate's room. */
export interface Taken {
  readonly hosts: FoundHosts;
  readonly spec: InstanceSpec;
  readonly candidate: Candidate;
}

/** An instance whose room is allocated, and of which nothing is written yet. */
export interface Allocated extends Taken {
  readonly claim: Claim;
}

export interface Written {
  readonly outcome: 'placed';
  readonly candidate: Candidate;
  readonly record: InstanceRecord;
}

/** The caller does not want it on that host. */
export interface Refused {
  readonly outcome: 'refused';
  readonly reason: string;
}

export type WriteOutcome = Written | { readonly outcome: 'failed'; readonly err: Error };

/** etcd takes 1.5 MiB in a request by default, and JSON in a txn is not all that is in it. */
const MAX_TXN_BYTES = 1024 * 1024;

/** How often others may close the books of the name's previous holder, or take room of the same host, while we write. */
const ATTEMPTS = 20;
const AGAIN_MS = { minMs: 5, maxMs: 500 };

/**
 * @returns undefined when its room was taken by others meanwhile, and `refused` when the caller does not want the host: nothing is written then.
 * @throws what etcd says; then the allocation is released, or the error says that it may not be.
 */
export const writeOne = async (find: FindOptions, allocated: Allocated): Promise<Written | Refused | undefined> => {
  const { services } = find;
  let latest = allocated;
  for (let attempt = 1; ; attempt += 1) {
    const planned = await planAlong(find, latest);
    if ('reason' in planned) return planned;
    const result = await commitRequests(services, [planned], latest.claim);
    if (result.outcome !== 'lost-race' || attempt === ATTEMPTS)
      return conclude(find, { taken: latest, planned }, result);
    const renewed = await renew(find, latest);
    if (renewed === 'no-room') {
      latest.hosts.pool.giveBack(latest.candidate);
      return undefined;
    }
    if (!renewed) return conclude(find, { taken: latest, planned }, result);
    latest = renewed;
    await sleep(backoff(attempt, AGAIN_MS));
  }
};

/** @returns what is to be written, with what the caller writes along. */
const planAlong = async (find: FindOptions, allocated: Allocated): Promise<PlannedRequest | Refused> => {
  const planned = plan(find, allocated);
  const { along } = allocated.spec;
  if (!along) return planned;
  try {
    const more = await along(planned.record);
    if (!('refused' in more))
      return {
        ...planned,
        guards: [...planned.guards, ...more.guards],
        writes: [planned.writes[0], ...planned.writes.slice(1), ...more.writes],
      };
    await takeBack(find, allocated);
    return { outcome: 'refused', reason: more.refused };
  } catch (err) {
    await takeBack(find, allocated);
    throw err;
  }
};

/** @returns the same with the guards of now; undefined when it is something else that has changed. */
const renew = async (find: FindOptions, allocated: Allocated): Promise<Allocated | 'no-room' | undefined> => {
  const { services } = find;
  const { spec, candidate, claim } = allocated;
  try {
    const nameGuards =
      spec.name === null ? spec.nameGuards : ((await findFreeNames(services, [spec.name])).get(spec.name) ?? []);
    const capacity = await services.capacity();
    const result = capacity.isTransactional
      ? await capacity.allocate([allocationOf(spec, candidate)])
      : { outcome: 'allocated' as const, claim };
    if (result.outcome !== 'allocated') return 'no-room';
    const isSame = !spec.along && isDeepStrictEqual([nameGuards, result.claim.guards], [spec.nameGuards, claim.guards]);
    return isSame ? undefined : { ...allocated, spec: { ...spec, nameGuards }, claim: result.claim };
  } catch (err) {
    await takeBack(find, allocated);
    throw err;
  }
};

/** @returns whether nothing is known to be held. */
const takeBack = async ({ services }: FindOptions, { hosts, spec, candidate }: Taken): Promise<boolean> => {
  hosts.pool.giveBack(candidate);
  return isReleased(services, spec);
};

/**
 * Writes many, in as few txns as etcd takes.
 *
 * @returns what became of each, in order; `not-together` when they must be claimed anew in smaller parts, and nothing is written.
 */
export const writeMany = async (
  find: FindOptions,
  all: readonly Taken[],
  claim: Claim,
): Promise<WriteOutcome[] | 'not-together'> => {
  const { services } = find;
  const groups = inGroups(
    all.map((taken) => ({ taken, planned: plan(find, taken) })),
    claim,
  );
  // A claim is written once, and whole.
  if (groups.length > 1 && claim.writes.length > 0) return 'not-together';
  const outcomes: WriteOutcome[] = [];
  for (const group of groups) {
    const planned = group.map((one) => one.planned);
    const result = await commitRequests(services, planned, claim);
    if (result.outcome === 'lost-race' && claim.writes.length > 0) return 'not-together';
    for (const one of group) outcomes.push(await concludeOneOf(find, { ...one, claim }, result));
  }
  return outcomes;
};

interface Pending {
  readonly taken: Taken;
  readonly planned: PlannedRequest;
}

const concludeOneOf = async (
  find: FindOptions,
  { claim, ...one }: Pending & { readonly claim: Claim },
  result: CommitResult,
): Promise<WriteOutcome> => {
  try {
    // Somebody has written one of them, and etcd does not say which: each gets its own txn.
    const written = result.outcome === 'lost-race' ? await writeOne(find, { ...one.taken, claim }) : undefined;
    return written?.outcome === 'placed' ? written : await conclude(find, one, result);
  } catch (err) {
    return { outcome: 'failed', err: toError(err) };
  }
};

/** @param claim goes with each group. */
const inGroups = (all: readonly Pending[], claim: Claim): Pending[][] => {
  const groups: Pending[][] = [];
  const least = sizeOf(claim);
  let [operations, bytes] = [0, 0];
  for (const one of all) {
    const size = sizeOf(one.planned);
    operations += size.operations;
    bytes += size.bytes;
    const last = groups.at(-1);
    if (last && operations <= MAX_OPERATIONS && bytes <= MAX_TXN_BYTES) last.push(one);
    else {
      groups.push([one]);
      [operations, bytes] = [least.operations + size.operations, least.bytes + size.bytes];
    }
  }
  return groups;
};

const sizeOf = ({ guards, writes }: Claim): { operations: number; bytes: number } => ({
  operations: Math.max(guards.length, writes.length),
  bytes: Buffer.byteLength(JSON.stringify(writes)),
});

const plan = ({ services, strategy, needsPresence }: FindOptions, taken: Taken): PlannedRequest => {
  const { hosts, spec, candidate } = taken;
  const hostname = hosts.presences.get(candidate.host)?.hostname ?? candidate.host;
  const reason = `placed on ${hostname} (${strategy})`;
  const hasRecord = needsPresence || hosts.presences.has(candidate.host);
  return planRequest({ keys: services.keys, spec, candidate, reason, hasRecord });
};

const conclude = async (find: FindOptions, { taken, planned }: Pending, result: CommitResult): Promise<Written> => {
  const { spec, candidate } = taken;
  const { host } = candidate;
  if (result.outcome === 'committed') return { outcome: 'placed', candidate, record: planned.record };
  if (result.outcome === 'unknown') throw requestLost({ spec, host, err: result.err });
  const isFree = await takeBack(find, taken);
  if (result.outcome === 'lost-race') throw requestRaced({ spec, host, isReleased: isFree });
  throw requestNotWritten({ spec, host, err: result.err, isReleased: isFree });
};
