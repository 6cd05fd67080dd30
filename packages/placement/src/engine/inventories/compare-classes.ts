import { STANDARD_CLASSES } from '../../model/standard-classes.js';

const RANKS: ReadonlyMap<string, number> = new Map(STANDARD_CLASSES.map((name, rank) => [name, rank]));

/** Standard classes in their own order, then the others by name. */
export const compareClasses = (one: string, other: string): number =>
  (RANKS.get(one) ?? RANKS.size) - (RANKS.get(other) ?? RANKS.size) || (one < other ? -1 : 1);
