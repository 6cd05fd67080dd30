import type { View } from '../index/view.js';
import { capacityOf, fitsUnits } from './inventories/capacity.js';

/** An amount of a resource class. */
export type Amount = readonly [resourceClass: string, amount: number];

/** Whether an amount could be allocated from a provider, by itself. */
export const hasRoom = (view: View, provider: string, [resourceClass, amount]: Amount): boolean => {
  const inventory = view.provider(provider)?.inventories[resourceClass];
  return (
    inventory !== undefined &&
    fitsUnits(inventory, amount) &&
    (view.usage(provider).used[resourceClass] ?? 0) + amount <= capacityOf(inventory)
  );
};

/** The largest amount that one consumer could have of a provider, in one piece or in several. */
export const largestOf = (view: View, provider: string, resourceClass: string): number => {
  const inventory = view.provider(provider)?.inventories[resourceClass];
  if (!inventory) return 0;
  return Math.min(capacityOf(inventory) - (view.usage(provider).used[resourceClass] ?? 0), inventory.max_unit);
};
