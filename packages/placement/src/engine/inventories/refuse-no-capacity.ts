import { Refusal } from '../refusal.js';
import { capacityOf } from './capacity.js';
import type { Inventories } from './write-inventories.js';

export interface CapacityRule {
  /** Since 1.26: all of an inventory may be reserved. */
  readonly mayReserveAll: boolean;
}

/** @throws Refusal bad-request when more is reserved than there is. */
export const refuseNoCapacity = (
  inventories: Inventories,
  { provider, doing, mayReserveAll }: CapacityRule & { readonly provider: string; readonly doing: 'create' | 'update' },
): void => {
  for (const [name, inventory] of Object.entries(inventories)) {
    const capacity = Math.trunc(capacityOf(inventory));
    if (mayReserveAll ? capacity >= 0 : capacity > 0) continue;
    const reason = mayReserveAll ? 'greater than total' : 'greater than or equal to total';
    throw new Refusal(
      'bad-request',
      `Unable to ${doing} inventory for resource provider ${provider}: Invalid inventory for '${name}' on resource ` +
        `provider '${provider}'. The reserved value is ${reason}.`,
    );
  }
};
