import type { Plan } from '../engine/draft.js';

/*
 * Several plans that are committed in one transaction of etcd. Each was made on top of those before it. Plans that touch the same keys are
 * merged into one part, which is written as a whole or not at all; the parts know nothing of each other.
 */

export interface Part<T> {
  /** The revision of each key that must be as it was; 0 when it was not there. */
  readonly keys: ReadonlyMap<string, bigint>;
  readonly empty: ReadonlySet<string>;
  readonly unchanged: ReadonlySet<string>;
  readonly writes: ReadonlyMap<string, string | undefined>;
  /** Whose plans these are, in the order in which they were made. */
  readonly members: readonly T[];
}

export interface Group<T> {
  readonly parts: readonly Part<T>[];
  /** @returns false when it must wait for another group. The first plan is always taken, whatever its size. */
  readonly add: (plan: Plan, member: T) => boolean;
}

/** etcd takes 128 operations in a txn; parts have what the whole leaves, so with 62 of them and 2 writes of its own each has 64. */
const MAX_PARTS = 62;
const MAX_OPERATIONS = 64;
/** etcd takes 1.5 MiB in a request by default, and values are not all that is in it. */
const MAX_BYTES = 1024 * 1024;

export const createGroup = <T>(): Group<T> => {
  let parts: Part<T>[] = [];
  let bytes = 0;
  /** The first plan is larger than a part may be: it goes alone. */
  let isFull = false;

  const add = (plan: Plan, member: T): boolean => {
    const { guards, writes } = plan;
    const ranges = [...guards.empty, ...guards.unchanged];
    if (isFull) return false;
    // What a range guard sees is what was there before the whole group, so nothing of the group may be in its range.
    if (parts.some((part) => hasKeyBelow(part.writes, ranges))) return false;
    const touched = parts.filter((part) => touches(part, plan));
    const merged = merge<T>(touched, { ...guards, writes, members: [member] });
    const others = parts.filter((part) => !touched.includes(part));
    const size = bytesOf(writes);
    const hasRoom =
      others.length < MAX_PARTS &&
      Math.max(merged.writes.size, merged.keys.size + merged.empty.size + merged.unchanged.size) <= MAX_OPERATIONS &&
      bytes + size <= MAX_BYTES;
    if (!hasRoom && parts.length > 0) return false;
    parts = [...others, merged];
    bytes += size;
    isFull = !hasRoom;
    return true;
  };

  return {
    get parts() {
      return parts;
    },
    add,
  };
};

const touches = (part: Part<unknown>, { guards, writes }: Plan): boolean =>
  hasAny(part.writes, guards.keys) ||
  hasAny(part.writes, writes) ||
  hasAny(part.keys, writes) ||
  hasKeyBelow(writes, [...part.empty, ...part.unchanged]);

const hasAny = (keys: ReadonlyMap<string, unknown>, others: ReadonlyMap<string, unknown>): boolean => {
  for (const key of others.keys()) if (keys.has(key)) return true;
  return false;
};

const hasKeyBelow = (keys: ReadonlyMap<string, unknown>, prefixes: readonly string[]): boolean =>
  prefixes.length > 0 && [...keys.keys()].some((key) => prefixes.some((prefix) => key.startsWith(prefix)));

/** Later writes replace earlier ones of the same key. Guards are all about what was there before. */
const merge = <T>(parts: readonly Part<T>[], last: Part<T>): Part<T> => {
  const all: readonly Part<T>[] = [...parts, last];
  return {
    keys: new Map(all.flatMap(({ keys }) => [...keys])),
    empty: new Set(all.flatMap(({ empty }) => [...empty])),
    unchanged: new Set(all.flatMap(({ unchanged }) => [...unchanged])),
    writes: new Map(all.flatMap(({ writes }) => [...writes])),
    members: all.flatMap(({ members }) => members),
  };
};

const bytesOf = (writes: ReadonlyMap<string, string | undefined>): number => {
  let sum = 0;
  for (const [key, value = ''] of writes) sum += key.length + value.length;
  return sum;
};
