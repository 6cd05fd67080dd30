import { listResourceClasses } from '../engine/resource-classes.js';
import { listTraits } from '../engine/traits.js';
import type { View } from '../index/view.js';
import type { Consumer, Provider, ProviderUsage } from '../model/entities.js';

/** All that a Placement holds, whosever it is. */
export interface Content {
  /** All that there are, those that are always there too. */
  readonly classes: ReadonlySet<string>;
  readonly traits: ReadonlySet<string>;
  /** By uuid. */
  readonly providers: ReadonlyMap<string, ProviderContent>;
  readonly consumers: ReadonlyMap<string, ConsumerContent>;
}

/** What is used of a provider follows from its consumers. */
export interface ProviderContent extends Provider, Pick<ProviderUsage, 'generation'> {}

export type ConsumerContent = Consumer;

/** Names of classes and traits that users have made, and no others, start so. */
const isCustom = (name: string): boolean => name.startsWith('CUSTOM_');

export const customOf = (names: Iterable<string>): readonly string[] => [...names].filter(isCustom).toSorted();

export const contentOf = (view: View): Content => ({
  classes: new Set(listResourceClasses(view)),
  traits: new Set(listTraits(view, {})),
  providers: new Map(
    [...view.providers()].map((provider) => [
      provider.uuid,
      { ...provider, generation: view.usage(provider.uuid).generation },
    ]),
  ),
  consumers: new Map([...view.consumers()].map((consumer) => [consumer.uuid, consumer])),
});

/** Providers, each after the one that it is below. */
export function* parentsFirst(providers: ReadonlyMap<string, ProviderContent>): Iterable<readonly ProviderContent[]> {
  let above = new Set<string>();
  let left = [...providers.values()];
  while (left.length > 0) {
    const isNext = ({ parent }: ProviderContent): boolean =>
      parent === null || above.has(parent) || !providers.has(parent);
    const next = left.filter(isNext);
    if (next.length === 0) throw new Error(`providers are below each other in a circle: ${left[0]?.uuid ?? ''}`);
    yield next;
    left = left.filter((provider) => !isNext(provider));
    above = new Set([...above, ...next.map(({ uuid }) => uuid)]);
  }
}

/** How much of each provider and class all consumers hold together. */
export const sumUsed = (
  consumers: Iterable<ConsumerContent>,
): ReadonlyMap<string, Readonly<Record<string, number>>> => {
  const sums = new Map<string, Record<string, number>>();
  for (const { allocations } of consumers)
    for (const [provider, amounts] of Object.entries(allocations)) {
      const sum = sums.get(provider) ?? {};
      sums.set(provider, sum);
      for (const [name, amount] of Object.entries(amounts)) sum[name] = (sum[name] ?? 0) + amount;
    }
  return sums;
};
