import type { Inventory } from '../../model/entities.js';

/** How much of an inventory can be used. Not always a whole number. */
export const capacityOf = ({ total, reserved, allocation_ratio }: Inventory): number =>
  (total - reserved) * allocation_ratio;

/** Whether one consumer may have so much of an inventory at once. */
export const fitsUnits = ({ min_unit, max_unit, step_size }: Inventory, amount: number): boolean =>
  amount >= min_unit && amount <= max_unit && amount % step_size === 0;
