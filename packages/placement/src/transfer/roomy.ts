import { capacityOf, fitsUnits } from '../engine/inventories/capacity.js';
import { MAX_AMOUNT } from '../engine/inventories/read-inventory.js';
import type { Inventory } from '../model/entities.js';
import { type ConsumerContent, type Content, sumUsed } from './content.js';

/*
 * An inventory may have become smaller than what is used of it, or its units others than those that it was allocated in. Placement would
 * refuse such allocations now. So such a provider gets large inventories first, and what it really has when all is allocated.
 */

/** The providers on which not all that is held could be allocated now. @param consumers those that are still to be written. */
export const needsMoreRoom = (
  { providers, consumers: all }: Content,
  consumers: readonly ConsumerContent[],
): ReadonlySet<string> => {
  const used = sumUsed(all.values());
  const amounts = consumers.flatMap(({ allocations }) =>
    Object.entries(allocations).flatMap(([provider, held]) =>
      Object.entries(held).map(([name, amount]) => ({ provider, name, amount })),
    ),
  );
  return new Set(
    amounts
      .filter(({ provider, name, amount }) => {
        const inventory = providers.get(provider)?.inventories[name];
        return !inventory || !fitsUnits(inventory, amount) || (used.get(provider)?.[name] ?? 0) > capacityOf(inventory);
      })
      .map(({ provider }) => provider),
  );
};

const ROOMY: Inventory = {
  total: MAX_AMOUNT,
  reserved: 0,
  min_unit: 1,
  max_unit: MAX_AMOUNT,
  step_size: 1,
  allocation_ratio: 1,
};

export const roomyInventories = (inventories: Readonly<Record<string, Inventory>>): Record<string, Inventory> =>
  Object.fromEntries(Object.keys(inventories).map((name) => [name, ROOMY]));
