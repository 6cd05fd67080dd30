import type { Amounts, ProviderUsage } from '../../model/entities.js';
import type { Draft } from '../draft.js';
import { getUsage } from '../providers/get-provider.js';
import { type HeldAmount, listAmounts } from './consumer-request.js';

/** How what is used of providers changes, until it is written all at once. */
export interface UsageChanges {
  /** As it was before the changes. */
  readonly before: (provider: string) => ProviderUsage;
  /** With the changes. */
  readonly used: (provider: string, resourceClass: string) => number;
  readonly take: (held: HeldAmount) => void;
  readonly giveBack: (allocations: Readonly<Record<string, Amounts>>) => void;
  /** @param counted the providers whose generations count up. */
  readonly write: (counted?: ReadonlySet<string>) => void;
}

/** Each provider that is asked for is guarded. */
export const openUsageChanges = (draft: Draft): UsageChanges => {
  const changes = new Map<string, { readonly before: ProviderUsage; readonly used: Map<string, number> }>();
  const open = (provider: string) => {
    const known = changes.get(provider);
    if (known) return known;
    const before = getUsage(draft, provider);
    const opened = { before, used: new Map(Object.entries(before.used)) };
    changes.set(provider, opened);
    return opened;
  };
  const add = (provider: string, resourceClass: string, amount: number): void => {
    const { used } = open(provider);
    used.set(resourceClass, (used.get(resourceClass) ?? 0) + amount);
  };
  return {
    before: (provider) => open(provider).before,
    used: (provider, resourceClass) => open(provider).used.get(resourceClass) ?? 0,
    take: ({ provider, resourceClass, amount }) => add(provider, resourceClass, amount),
    giveBack: (allocations) => {
      for (const { provider, resourceClass, amount } of listAmounts(allocations)) add(provider, resourceClass, -amount);
    },
    write: (counted) => {
      for (const [provider, { before, used }] of changes)
        draft.put('usage', provider, {
          generation: before.generation + (counted?.has(provider) ? 1 : 0),
          used: Object.fromEntries([...used].filter(([, amount]) => amount > 0)),
        });
    },
  };
};
