import { toError } from '@etcd-compute/common/errors';
import { MAX_OPERATIONS } from '@etcd-compute/common/etcd/store';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { findFreeNames } from '../instances/names.js';
import type { Candidate, Claim } from '@etcd-compute/common/capacity/capacity';
import { tryRelease } from './allocate-one.js';
import type { FindOptions, FoundHosts } from './candidates.js';
import type { CommitResult } from '../commit.js';
import { requestLost, requestNotWritten, requestRaced } from './placing-errors.js';
import { commitRequests, planRequest, type InstanceSpec, type PlannedRequest } from './write-request.js';

/** An instance whose room is allocated, and of which nothing is written yet. */
export interface Allocated {
  readonly hosts: FoundHosts;
  readonly spec: InstanceSpec;
  readonly candidate: Candidate;
  readonly claims: readonly Claim[];
}

export interface Written {
  readonly outcome: 'placed';
  readonly candidate: Candidate;
  readonly record: InstanceRecord;
}

export type WriteOutcome = Written | { readonly outcome: 'failed'; readonly err: Error };

/** etcd takes 1.5 MiB in a request by default, and JSON in a txn is not all that is in it. */
const MAX_TXN_BYTES = 1024 * 1024;

/** How often others may close the books of the name's previous holder while we take the name. */
const NAME_ATTEMPTS = 5;

/** @throws what etcd says; then the allocation is released, or the error says that it may not be. */
export const writeOne = async (find: FindOptions, allocated: Allocated): Promise<Written> => {
  let pending: Pending = { allocated, planned: plan(find, allocated) };
  for (let attempt = 1; ; attempt += 1) {
    const result = await commitRequests(find.services, [pending.planned]);
    const isLast = result.outcome !== 'lost-race' || attempt === NAME_ATTEMPTS;
    const renewed = isLast ? undefined : await renewName(find, pending.allocated);
    if (!renewed) return conclude(find, pending, result);
    pending = { allocated: renewed, planned: plan(find, renewed) };
  }
};

/** @returns the same with the name's new guards; undefined when something else has changed. */
const renewName = async (find: FindOptions, allocated: Allocated): Promise<Allocated | undefined> => {
  const { spec } = allocated;
  const { name } = spec;
  if (name === null) return undefined;
  try {
    const nameGuards = (await findFreeNames(find.services, [name])).get(name) ?? [];
    const isSame = JSON.stringify(nameGuards) === JSON.stringify(spec.nameGuards);
    return isSame ? undefined : { ...allocated, spec: { ...spec, nameGuards } };
  } catch (err) {
    await takeBack(find, allocated);
    throw err;
  }
};

/** @returns whether the allocation is known to be released. */
const takeBack = async ({ services }: FindOptions, { hosts, spec, candidate }: Allocated): Promise<boolean> => {
  hosts.pool.giveBack(candidate);
  return tryRelease(services, spec);
};

/** Writes many, as few txns as etcd takes. @returns what became of each, in order. */
export const writeMany = async (find: FindOptions, all: readonly Allocated[]): Promise<WriteOutcome[]> => {
  const outcomes: WriteOutcome[] = [];
  for (const group of inGroups(all.map((allocated) => ({ allocated, planned: plan(find, allocated) })))) {
    const result = await commitRequests(
      find.services,
      group.map(({ planned }) => planned),
    );
    for (const one of group) outcomes.push(await concludeOneOf(find, one, result));
  }
  return outcomes;
};

interface Pending {
  readonly allocated: Allocated;
  readonly planned: PlannedRequest;
}

const concludeOneOf = async (find: FindOptions, one: Pending, result: CommitResult): Promise<WriteOutcome> => {
  try {
    // Somebody has written one of them, and etcd does not say which: each gets its own txn.
    if (result.outcome === 'lost-race') return await writeOne(find, one.allocated);
    return await conclude(find, one, result);
  } catch (err) {
    return { outcome: 'failed', err: toError(err) };
  }
};

const inGroups = (all: readonly Pending[]): Pending[][] => {
  const groups: Pending[][] = [];
  let [operations, bytes] = [0, 0];
  for (const one of all) {
    const { guards, writes } = one.planned;
    const size = Math.max(guards.length, writes.length);
    const length = Buffer.byteLength(JSON.stringify(writes));
    operations += size;
    bytes += length;
    const last = groups.at(-1);
    if (last && operations <= MAX_OPERATIONS && bytes <= MAX_TXN_BYTES) last.push(one);
    else {
      groups.push([one]);
      [operations, bytes] = [size, length];
    }
  }
  return groups;
};

const plan = ({ services, strategy, needsPresence }: FindOptions, allocated: Allocated): PlannedRequest => {
  const { hosts, spec, candidate, claims } = allocated;
  const hostname = hosts.presences.get(candidate.host)?.hostname ?? candidate.host;
  const reason = `placed on ${hostname} (${strategy})`;
  const hasRecord = needsPresence || hosts.presences.has(candidate.host);
  return planRequest({ keys: services.keys, spec, candidate, claims, reason, hasRecord });
};

const conclude = async (find: FindOptions, { allocated, planned }: Pending, result: CommitResult): Promise<Written> => {
  const { spec, candidate } = allocated;
  const { host } = candidate;
  if (result.outcome === 'committed') return { outcome: 'placed', candidate, record: planned.record };
  if (result.outcome === 'unknown') throw requestLost({ spec, host, err: result.err });
  const isReleased = await takeBack(find, allocated);
  if (result.outcome === 'lost-race') throw requestRaced({ spec, host, isReleased });
  throw requestNotWritten({ spec, host, err: result.err, isReleased });
};
