import type { View } from '../../index/view.js';
import { isInAny, type Sets } from '../provider-filter.js';

/** A provider that has this trait shares what it has with the trees of all providers that are in an aggregate with it. */
const SHARES = 'MISC_SHARES_VIA_AGGREGATE';

export interface Sharing {
  readonly shares: (provider: string) => boolean;
  /** How many providers those that share, of some sets, share with; about. */
  readonly countServedBy: (sets: Sets) => number;
  /** The roots of the trees that a provider can serve: its own, and those it shares with. Some may come twice. */
  readonly treesServedBy: (provider: string) => Iterable<string>;
  /** The providers that are not in a tree and share with it. */
  readonly sharedWith: (tree: readonly string[]) => readonly string[];
}

export const createSharing = (view: View): Sharing => {
  const sharing = view.withTrait(SHARES);
  const byAggregate = new Map<string, string[]>();
  for (const provider of sharing)
    for (const aggregate of view.provider(provider)?.aggregates ?? [])
      byAggregate.set(aggregate, [...(byAggregate.get(aggregate) ?? []), provider]);

  return {
    shares: (provider) => sharing.has(provider),
    countServedBy: (sets) =>
      [...sharing]
        .filter((provider) => isInAny(sets, provider))
        .flatMap((provider) => view.provider(provider)?.aggregates ?? [])
        .reduce((sum, aggregate) => sum + view.inAggregate(aggregate).size, 0),
    *treesServedBy(provider) {
      yield view.rootOf(provider);
      if (!sharing.has(provider)) return;
      for (const aggregate of view.provider(provider)?.aggregates ?? [])
        for (const neighbour of view.inAggregate(aggregate)) yield view.rootOf(neighbour);
    },
    sharedWith(tree) {
      if (byAggregate.size === 0) return [];
      const aggregates = tree.flatMap((provider) => view.provider(provider)?.aggregates ?? []);
      const found = new Set(aggregates.flatMap((aggregate) => byAggregate.get(aggregate) ?? []));
      return [...found].filter((provider) => !tree.includes(provider));
    },
  };
};
