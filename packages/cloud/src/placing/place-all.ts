import { EcomputeError, toError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Run } from '../run.js';
import type { PlaceOutcome } from './place-batch.js';
import type { Placer } from './placer.js';
import type { InstanceSpec } from './write-request.js';

/** The outcome for one instance. */
export type Placed = PlaceOutcome & { readonly spec: InstanceSpec };

interface PlaceAllOptions {
  readonly guard: Run['guard'];
  readonly onPlaced: (spec: InstanceSpec, host: ProviderUuid) => void;
}

/** One txn of etcd holds what is written of this many; a larger batch costs Placement more for each. */
const BATCH = 32;

/**
 * Places as many as possible: the outcome of each is told, whatever happens to the others. A batch that fails, because Placement was too
 * slow for it, say, does not end the rest; when the next one fails too, what is wrong is wrong for all.
 */
export const placeAll = async (
  placer: Pick<Placer, 'placeMany'>,
  specs: readonly InstanceSpec[],
  { guard, onPlaced }: PlaceAllOptions,
): Promise<Placed[]> => {
  const all: Placed[] = [];
  let lastFailure: Error | undefined;
  let fatal: Error | undefined;
  for (let start = 0; start < specs.length; start += BATCH) {
    const batch = specs.slice(start, start + BATCH);
    const outcomes = fatal ? failAll(batch, fatal) : await placeGuarded(placer, batch, guard);
    for (const [index, outcome] of outcomes.entries()) {
      const spec = batch[index];
      if (!spec) continue;
      all.push({ ...outcome, spec });
      if (outcome.outcome === 'placed') onPlaced(spec, outcome.candidate.host);
    }
    const failure = outcomes.find((outcome) => outcome.outcome === 'failed')?.err;
    if (failure && (lastFailure || !isPassing(failure))) fatal ??= failure;
    lastFailure = failure;
  }
  return all;
};

const isPassing = (err: Error): boolean => err instanceof EcomputeError && err.retryable;

const failAll = (specs: readonly InstanceSpec[], err: Error): PlaceOutcome[] =>
  specs.map(() => ({ outcome: 'failed', err }));

const placeGuarded = async (
  placer: Pick<Placer, 'placeMany'>,
  batch: readonly InstanceSpec[],
  guard: Run['guard'],
): Promise<PlaceOutcome[]> => {
  try {
    return await guard(async () => placer.placeMany(batch));
  } catch (err) {
    return failAll(batch, toError(err));
  }
};
