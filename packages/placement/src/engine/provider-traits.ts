import type { View } from '../index/view.js';
import type { Draft } from './draft.js';
import { changeProvider, getProvider, getProviderToChange, type ProviderToChange } from './providers/get-provider.js';
import { Refusal } from './refusal.js';
import { compareTraits, missingTraits } from './traits.js';

/** What a provider has, as the API shows it. */
export interface ProviderTraits {
  readonly traits: readonly string[];
  readonly generation: number;
}

/** @throws Refusal when there is no such provider. */
export const showProviderTraits = (view: View, uuid: string): ProviderTraits => ({
  traits: getProvider(view, uuid).traits,
  generation: view.usage(uuid).generation,
});

/**
 * Sets all of a provider's traits. Its generation counts up only when that changes something.
 *
 * @throws Refusal.
 */
export const setProviderTraits = (
  draft: Draft,
  uuid: string,
  wanted: { readonly traits: readonly string[]; readonly generation: number },
): ProviderTraits => {
  const found = getProviderToChange(draft, uuid);
  if (found.usage.generation !== wanted.generation)
    throw new Refusal(
      'conflict',
      "Resource provider's generation already changed. Please update the generation and try again.",
      'placement.concurrent_update',
    );
  const missing = missingTraits(draft, wanted.traits);
  if (missing.length > 0) throw new Refusal('bad-request', `No such trait ${missing.join(', ')}`);
  return replaceTraits(draft, found, wanted.traits);
};

/** @throws Refusal. */
export const clearProviderTraits = (draft: Draft, uuid: string): void => {
  replaceTraits(draft, getProviderToChange(draft, uuid), []);
};

const replaceTraits = (draft: Draft, found: ProviderToChange, names: readonly string[]): ProviderTraits => {
  const { provider, usage } = found;
  const traits = [...new Set(names)].toSorted(compareTraits);
  if (traits.join() === provider.traits.join()) return { traits, generation: usage.generation };
  changeProvider(draft, found, { traits });
  draft.mark('sharing', provider.uuid, traits.includes('MISC_SHARES_VIA_AGGREGATE'));
  return { traits, generation: usage.generation + 1 };
};
