import type { Inventory } from '../../model/entities.js';

/** An inventory as a client gives it. A single one may come with a generation beside. */
export interface GivenInventory extends Partial<Inventory> {
  readonly total: number;
}

/** The largest number that Placement takes. */
export const MAX_AMOUNT = 0x7f_ff_ff_ff;

/** Fills in what was left out. */
export const readInventory = (given: GivenInventory): Inventory => ({
  total: given.total,
  reserved: given.reserved ?? 0,
  min_unit: given.min_unit ?? 1,
  max_unit: given.max_unit ?? MAX_AMOUNT,
  step_size: given.step_size ?? 1,
  allocation_ratio: given.allocation_ratio ?? 1,
});

export const readInventories = (given: Readonly<Record<string, GivenInventory>>): Record<string, Inventory> =>
  Object.fromEntries(Object.entries(given).map(([name, inventory]) => [name, readInventory(inventory)]));
