import type { View } from '../index/view.js';
import type { Inventory } from '../model/entities.js';

/** How much of a class may be allocated in all. */
export const capacityOf = ({ total, reserved, allocation_ratio: ratio }: Inventory): number =>
  Math.trunc((total - reserved) * ratio);

/** An amount of a resource class. */
export type Amount = readonly [resourceClass: string, amount: number];

/** Whether an amount could be allocated from a provider, by itself. */
export const hasRoom = (view: View, provider: string, [resourceClass, amount]: Amount): boolean => {
  const inventory = view.provider(provider)?.inventories[resourceClass];
  return (
    inventory !== undefined &&
    amount >= inventory.min_unit &&
    amount <= inventory.max_unit &&
    amount % inventory.step_size === 0 &&
    (view.usage(provider).used[resourceClass] ?? 0) + amount <= capacityOf(inventory)
  );
};

/** How much can still be allocated from a provider, in one piece or in several. */
export const freeOf = (view: View, provider: string, resourceClass: string): number => {
  const inventory = view.provider(provider)?.inventories[resourceClass];
  return inventory ? capacityOf(inventory) - (view.usage(provider).used[resourceClass] ?? 0) : 0;
};

/** The largest amount that can be allocated from a provider by one consumer. */
export const largestOf = (view: View, provider: string, resourceClass: string): number =>
  Math.min(freeOf(view, provider, resourceClass), view.provider(provider)?.inventories[resourceClass]?.max_unit ?? 0);
