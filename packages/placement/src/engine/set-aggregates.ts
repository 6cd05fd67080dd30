import type { Draft } from './draft.js';
import { changeProvider, getGuardedProvider, getProviderToChange } from './providers/get-provider.js';
import { Refusal } from './refusal.js';

/**
 * Replaces what aggregates a provider is in. Its generation counts up only when the caller gave it, as since 1.19.
 *
 * @throws Refusal not-found, conflict when the provider is not of that generation.
 */
export const setAggregates = (
  draft: Draft,
  uuid: string,
  { aggregates, generation }: { readonly aggregates: readonly string[]; readonly generation: number | undefined },
): void => {
  if (generation === undefined) {
    draft.put('provider', uuid, { ...getGuardedProvider(draft, uuid), aggregates, updatedAt: draft.now });
    return;
  }
  const changed = getProviderToChange(draft, uuid);
  if (changed.usage.generation !== generation)
    throw new Refusal(
      'conflict',
      "Resource provider's generation already changed. Please update the generation and try again.",
      'placement.concurrent_update',
    );
  changeProvider(draft, changed, { aggregates });
};
