/** Numbers that a seed decides: mulberry32, which is enough for choosing and small enough to read. */
export interface Random {
  /** From 0, and less than 1. */
  readonly next: () => number;
  /** A whole number from `least` to `most`, both possible. */
  readonly whole: (least: number, most: number) => number;
  /** @throws when there is nothing to pick from. */
  readonly pick: <T>(items: readonly T[]) => T;
  /** The same items in another order. */
  readonly shuffle: <T>(items: readonly T[]) => T[];
}

export const createRandom = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  const pick = <T>(items: readonly T[]): T => {
    const item = items[whole(0, items.length - 1)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  };
  const shuffle = <T>(items: readonly T[]): T[] =>
    items
      .map((item) => ({ item, at: next() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ item }) => item);
  return { next, whole, pick, shuffle };
};

/** As often as each weight says, in any order: so that even a short run meets what is rare. */
export const createDeck = <T>(random: Random, weights: ReadonlyMap<T, number>): (() => T) => {
  const all = [...weights].flatMap(([item, weight]) => Array.from({ length: weight }, () => item));
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = random.shuffle(all);
    const item = left.pop();
    if (item === undefined) throw new Error('an empty deck');
    return item;
  };
};
