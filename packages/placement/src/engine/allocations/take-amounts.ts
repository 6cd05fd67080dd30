import type { Inventory } from '../../model/entities.js';
import type { Draft } from '../draft.js';
import { capacityOf, fitsUnits } from '../inventories/capacity.js';
import { compareClasses } from '../inventories/compare-classes.js';
import { Refusal } from '../refusal.js';
import type { HeldAmount } from './consumer-request.js';
import type { UsageChanges } from './usage-changes.js';

/**
 * Takes amounts, one after the other. What is used of a class may only be over its capacity when it is no more than before.
 *
 * The inventories are not guarded: who changes them counts the provider's generation up, and that is in the usage, which is.
 *
 * @throws Refusal conflict.
 */
export const takeAmounts = (draft: Draft, usages: UsageChanges, asked: readonly HeldAmount[]): void => {
  refuseWithoutInventory(draft, asked);
  for (const held of asked) {
    const { provider, resourceClass, amount } = held;
    const refuse = (reason: string): never => {
      throw new Refusal('conflict', `Unable to allocate inventory: ${reason}`);
    };
    const on = `for '${resourceClass}' on resource provider '${provider}'`;
    const inventory = inventoriesOf(draft, provider)[resourceClass];
    if (!inventory) return refuse(`Inventory ${on} invalid.`);
    if (!fitsUnits(inventory, amount))
      refuse(`Unable to create allocation ${on}. The requested amount would violate inventory constraints.`);
    usages.take(held);
    const used = usages.used(provider, resourceClass);
    const usedBefore = usages.before(provider).used[resourceClass] ?? 0;
    if (used > capacityOf(inventory) && used > usedBefore)
      refuse(`Unable to create allocation ${on}. The requested amount would exceed the capacity.`);
  }
};

/** Providers that have nothing of all that is asked for, be it of others, are told together. */
const refuseWithoutInventory = (draft: Draft, asked: readonly HeldAmount[]): void => {
  const classes = [...new Set(asked.map(({ resourceClass }) => resourceClass))];
  const lacking = [...new Set(asked.map(({ provider }) => provider))].filter((provider) => {
    const inventories = inventoriesOf(draft, provider);
    return classes.every((name) => !Object.hasOwn(inventories, name));
  });
  if (lacking.length > 0)
    throw new Refusal(
      'conflict',
      `Unable to allocate inventory: Inventory for '${classes.toSorted(compareClasses).join(', ')}' on resource provider ` +
        `'${lacking.join(', ')}' invalid.`,
    );
};

const inventoriesOf = (draft: Draft, provider: string): Readonly<Record<string, Inventory>> =>
  draft.peek('provider', provider)?.inventories ?? {};
