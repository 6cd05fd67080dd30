import type { View } from '../../index/view.js';
import type { Provider, ProviderUsage } from '../../model/entities.js';
import type { Draft } from '../draft.js';
import { Refusal } from '../refusal.js';

/** @throws Refusal not-found. */
export const requireProvider = (uuid: string, provider: Provider | undefined): Provider => {
  if (provider) return provider;
  throw new Refusal('not-found', `No resource provider with uuid ${uuid} found`);
};

/** @throws Refusal not-found. */
export const getProvider = (view: View, uuid: string): Provider => requireProvider(uuid, view.provider(uuid));

export interface ProviderToChange {
  readonly provider: Provider;
  readonly usage: ProviderUsage;
}

/** What a provider is, guarded. @throws Refusal not-found. */
export const getGuardedProvider = (draft: Draft, uuid: string): Provider =>
  requireProvider(uuid, draft.get('provider', uuid));

/** A provider with both of its keys guarded. @throws Refusal not-found. */
export const getProviderToChange = (draft: Draft, uuid: string): ProviderToChange => ({
  provider: getGuardedProvider(draft, uuid),
  usage: getUsage(draft, uuid),
});

export const getUsage = (draft: Draft, uuid: string): ProviderUsage =>
  draft.get('usage', uuid) ?? { generation: 0, used: {} };

/** Writes what a provider is and counts its generation up. */
export const changeProvider = (
  draft: Draft,
  { provider, usage }: ProviderToChange,
  change: Partial<Pick<Provider, 'inventories' | 'traits' | 'aggregates'>>,
): void => {
  draft.put('provider', provider.uuid, { ...provider, ...change, updatedAt: draft.now });
  draft.put('usage', provider.uuid, { ...usage, generation: usage.generation + 1 });
};
