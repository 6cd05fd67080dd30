import type { View } from '../index/view.js';
import type { Amounts, Consumer } from '../model/entities.js';

export interface UsageFilter {
  readonly project: string;
  readonly user?: string | undefined;
  /** A consumer type, or `unknown` for consumers without one. */
  readonly type?: string | undefined;
}

/** What some consumers hold together, and how many they are. */
export interface ConsumersUsage {
  readonly used: Amounts;
  readonly consumers: number;
}

/** How a consumer without a type is called. */
const UNKNOWN_TYPE = 'unknown';

/** What a project's consumers hold, by the type that `typeOf` gives each of them. */
const sumByType = (
  view: View,
  { project, user, type }: UsageFilter,
  typeOf: (consumer: Consumer) => string,
): ReadonlyMap<string, ConsumersUsage> => {
  const sums = new Map<string, { used: Record<string, number>; consumers: number }>();
  for (const uuid of view.consumersOfProject(project)) {
    const consumer = view.consumer(uuid);
    if (!consumer || (user !== undefined && consumer.user !== user)) continue;
    if (type !== undefined && (consumer.type ?? UNKNOWN_TYPE) !== type) continue;
    const name = typeOf(consumer);
    const sum = sums.get(name) ?? { used: {}, consumers: 0 };
    sums.set(name, sum);
    sum.consumers += 1;
    for (const amounts of Object.values(consumer.allocations))
      for (const [resourceClass, amount] of Object.entries(amounts))
        sum.used[resourceClass] = (sum.used[resourceClass] ?? 0) + amount;
  }
  return sums;
};

/** What a project uses, whatever its consumers are. */
export const sumUsages = (view: View, filter: UsageFilter): Amounts =>
  sumByType(view, filter, () => 'all').get('all')?.used ?? {};

/** What a project uses, by consumer type. The type `all` takes consumers of all types together. */
export const sumUsagesByType = (view: View, filter: UsageFilter): ReadonlyMap<string, ConsumersUsage> =>
  filter.type === 'all'
    ? sumByType(view, { ...filter, type: undefined }, () => 'all')
    : sumByType(view, filter, ({ type }) => type ?? UNKNOWN_TYPE);
