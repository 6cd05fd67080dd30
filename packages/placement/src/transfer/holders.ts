import type { Amounts } from '../model/entities.js';
import type { ConsumerContent } from './content.js';

/** Who holds what of a provider, by consumer. */
export type Holders = ReadonlyMap<string, Amounts>;

/** By provider. */
export const holdersOf = (consumers: Iterable<ConsumerContent>): ReadonlyMap<string, Holders> => {
  const holders = new Map<string, Map<string, Amounts>>();
  for (const { uuid, allocations } of consumers)
    for (const [provider, amounts] of Object.entries(allocations)) {
      const those = holders.get(provider) ?? new Map<string, Amounts>();
      holders.set(provider, those);
      those.set(uuid, amounts);
    }
  return holders;
};

export const isSameHolders = (one: Holders = new Map(), other: Holders = new Map()): boolean =>
  one.size === other.size &&
  [...one].every(([uuid, amounts]) => {
    const others = other.get(uuid);
    return others !== undefined && areAlike(amounts, others);
  });

const areAlike = (one: Amounts, other: Amounts): boolean =>
  Object.keys(one).length === Object.keys(other).length &&
  Object.entries(one).every(([name, amount]) => other[name] === amount);
