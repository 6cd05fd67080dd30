import type { View } from '../index/view.js';
import type { Provider } from '../model/entities.js';
import type { Draft } from './draft.js';
import { Refusal } from './refusal.js';
import { missingTraits } from './traits.js';

/** What a provider has, as the API shows it. */
export interface ProviderTraits {
  readonly traits: readonly string[];
  readonly generation: number;
}

/** @throws Refusal when there is no such provider. */
export const showProviderTraits = (view: View, uuid: string): ProviderTraits => {
  const provider = view.provider(uuid);
  if (!provider)
    throw new Refusal(
      'not-found',
      `No resource provider with uuid ${uuid} found: No resource provider with uuid ${uuid} found`,
    );
  return { traits: provider.traits, generation: view.usage(uuid).generation };
};

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
  const provider = needProvider(draft, uuid);
  const generation = draft.get('usage', uuid)?.generation ?? 0;
  if (generation !== wanted.generation)
    throw new Refusal(
      'conflict',
      "Resource provider's generation already changed. Please update the generation and try again.",
      'placement.concurrent_update',
    );
  const missing = missingTraits(draft, wanted.traits);
  if (missing.length > 0) throw new Refusal('bad-request', `No such trait ${missing.join(', ')}`);
  return replaceTraits(draft, provider, wanted.traits);
};

/** @throws Refusal. */
export const clearProviderTraits = (draft: Draft, uuid: string): void => {
  replaceTraits(draft, needProvider(draft, uuid), []);
};

const replaceTraits = (draft: Draft, provider: Provider, names: readonly string[]): ProviderTraits => {
  const { uuid } = provider;
  const traits = [...new Set(names)].toSorted();
  const usage = draft.get('usage', uuid) ?? draft.view.usage(uuid);
  if (traits.join() === provider.traits.toSorted().join()) return { traits, generation: usage.generation };
  draft.put('provider', uuid, { ...provider, traits, updatedAt: draft.now });
  draft.mirror('sharing', uuid, traits.includes('MISC_SHARES_VIA_AGGREGATE'));
  const generation = usage.generation + 1;
  draft.put('usage', uuid, { ...usage, generation });
  return { traits, generation };
};

const needProvider = (draft: Draft, uuid: string): Provider => {
  const provider = draft.get('provider', uuid);
  if (!provider) throw new Refusal('not-found', `No resource provider with uuid ${uuid} found`);
  return provider;
};
