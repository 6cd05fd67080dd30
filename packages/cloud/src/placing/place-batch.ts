import { toError } from '@etcd-compute/common/errors';
import type { AllocateResult } from '@etcd-compute/common/capacity/capacity';
import type { DroppedHost } from '../selection/filters/presence.js';
import { allocationOf, undoUncertain } from './allocate-one.js';
import type { FindOptions, FoundHosts } from './candidates.js';
import type { InstanceSpec } from './write-request.js';
import { writeMany, type Taken, type WriteOutcome } from './write-placed.js';

export type PlaceOutcome = WriteOutcome | { readonly outcome: 'no-host'; readonly dropped: readonly DroppedHost[] };

export interface BatchDeps {
  readonly find: FindOptions;
  readonly found: () => Promise<FoundHosts>;
  /** Places one by itself, candidate by candidate. Never throws. */
  readonly placeOne: (spec: InstanceSpec) => Promise<PlaceOutcome>;
}

const NONE: ReadonlySet<never> = new Set();

/** One txn of etcd holds what is written of this many and their room. */
const MOST_WITH_ROOM = 16;

/**
 * Places several instances: one call allocates for all of them, and one txn writes all of them. A conflict concerns one of them, and nobody
 * says which: both halves are tried again, down to single ones, which go from candidate to candidate.
 *
 * @returns what became of each, in order. Never throws.
 */
export const placeBatch = async (deps: BatchDeps, specs: readonly InstanceSpec[]): Promise<PlaceOutcome[]> => {
  try {
    return await tryBatch(deps, specs);
  } catch (err) {
    return specs.map(() => ({ outcome: 'failed', err: toError(err) }));
  }
};

const tryBatch = async (deps: BatchDeps, specs: readonly InstanceSpec[]): Promise<PlaceOutcome[]> => {
  const [first, second] = specs;
  if (first && !second) return [await deps.placeOne(first)];
  if (specs.some(({ along }) => along)) return placeEach(deps, specs);
  if (specs.length > MOST_WITH_ROOM && (await deps.find.services.capacity()).isTransactional)
    return placeHalves(deps, specs);
  const hosts = await deps.found();
  const taken = specs.flatMap((spec): Taken[] => {
    const candidate = hosts.pool.take(NONE);
    return candidate ? [{ hosts, spec, candidate }] : [];
  });
  const giveBack = (): void => {
    for (const { candidate } of taken) hosts.pool.giveBack(candidate);
  };
  let result: AllocateResult;
  try {
    result = await allocateTaken(deps.find, taken);
  } catch (err) {
    giveBack();
    return afterError(deps, specs, { taken, err: toError(err) });
  }
  if (result.outcome !== 'allocated') {
    giveBack();
    return placeHalves(deps, specs);
  }
  const written = await writeMany(deps.find, taken, result.claim);
  if (written === 'not-together') {
    giveBack();
    return placeHalves(deps, specs);
  }
  const outcomes: PlaceOutcome[] = written;
  // All ask for the same, so it is the last ones that found no room. Each goes its own way, to be told of each host why.
  for (const spec of specs.slice(taken.length)) outcomes.push(await deps.placeOne(spec));
  return outcomes;
};

const placeEach = async (deps: BatchDeps, specs: readonly InstanceSpec[]): Promise<PlaceOutcome[]> => {
  const outcomes: PlaceOutcome[] = [];
  for (const spec of specs) outcomes.push(await deps.placeOne(spec));
  return outcomes;
};

const placeHalves = async (deps: BatchDeps, specs: readonly InstanceSpec[]): Promise<PlaceOutcome[]> => {
  const half = Math.ceil(specs.length / 2);
  return [...(await placeBatch(deps, specs.slice(0, half))), ...(await placeBatch(deps, specs.slice(half)))];
};

const allocateTaken = async ({ services }: FindOptions, taken: readonly Taken[]): Promise<AllocateResult> =>
  (await services.capacity()).allocate(taken.map(({ spec, candidate }) => allocationOf(spec, candidate)));

/** All failed for the same reason; whatever Placement may have of them is released. */
const afterError = async (
  { find }: BatchDeps,
  specs: readonly InstanceSpec[],
  { taken, err }: { taken: readonly Taken[]; err: Error },
): Promise<PlaceOutcome[]> => {
  const errors = new Map<InstanceSpec, Error>();
  for (const { spec, candidate } of taken)
    errors.set(spec, await undoUncertain(find.services, { spec, candidate, err }));
  return specs.map((spec) => ({ outcome: 'failed', err: errors.get(spec) ?? err }));
};
