import type { Choice } from './choices.js';
import type { Candidate } from './request.js';

/** @param picks a provider for each choice. */
export const candidateOf = (picks: readonly string[], choices: readonly Choice[]): Candidate => {
  const allocations = new Map<string, Record<string, number>>();
  const mappings = new Map<string, string[]>();
  for (const [at, { part }] of choices.entries()) {
    const provider = picks[at];
    if (provider === undefined) continue;
    const providers = mappings.get(part.suffix) ?? [];
    if (!providers.includes(provider)) mappings.set(part.suffix, [...providers, provider]);
    if (part.amounts.length === 0) continue;
    const resources = allocations.get(provider) ?? {};
    for (const [resourceClass, amount] of part.amounts)
      resources[resourceClass] = (resources[resourceClass] ?? 0) + amount;
    allocations.set(provider, resources);
  }
  return { allocations, mappings };
};

/** The same for two candidates that are the same. */
export const keyOf = (picks: readonly string[], choices: readonly Choice[]): string =>
  choices
    .map(({ part }, at) => JSON.stringify([part.suffix, part.amounts, picks[at]]))
    .toSorted()
    .join();
