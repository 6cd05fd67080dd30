import { setImmediate } from 'node:timers/promises';
import type { Entry, Store } from '@etcd-compute/common/etcd/store';

/** The entries of these keys, in their order; undefined where there is none. @throws what the store throws. */
export type ReadTogether = (keys: readonly string[]) => Promise<(Entry | undefined)[]>;

/**
 * All reads that are asked for in one turn of the event loop are one read of etcd. Once a period every instance of a host is looked at,
 * all in the same moment: a host with fifty then asks one thing, not fifty.
 */
export const createReadTogether = (store: Pick<Store, 'getMany'>): ReadTogether => {
  let gathered: Set<string> | undefined;
  let reading: Promise<ReadonlyMap<string, Entry | undefined>> | undefined;

  const readGathered = async (keys: ReadonlySet<string>): Promise<ReadonlyMap<string, Entry | undefined>> => {
    await setImmediate();
    // Later callers may need to see what is written from now on: they get a read of their own.
    [gathered, reading] = [undefined, undefined];
    const names = [...keys];
    const { entries } = await store.getMany(names);
    return new Map(names.map((key, index) => [key, entries[index]]));
  };

  return async (keys) => {
    gathered ??= new Set();
    for (const key of keys) gathered.add(key);
    reading ??= readGathered(gathered);
    const found = await reading;
    return keys.map((key) => found.get(key));
  };
};
