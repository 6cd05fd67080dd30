import type { Store } from '@etcd-compute/common/etcd/store';
import { keyOf, markerKeyOf, parseKey } from '../model/keys.js';
import type { PartialIndex } from './partial-index.js';

export interface Room {
  readonly store: Store;
  /** All keys stand under it; ends with a slash. */
  readonly prefix: string;
}

/**
 * What a plan reads of a provider is vouched for by the guard of its usage, so the two must be of one moment. That is so when they are read in
 * one transaction.
 */
const withTwins = (keys: readonly string[]): string[] => [
  ...new Set(
    keys.flatMap((key) => {
      const { kind, id } = parseKey(key) ?? {};
      const isOfProvider = id !== undefined && (kind === 'provider' || kind === 'usage');
      return isOfProvider ? [keyOf('provider', id), keyOf('usage', id)] : [key];
    }),
  ),
];

/** Reads keys into an index as of one revision, whether or not they are there. */
export const readKeys = async (
  { store, prefix }: Room,
  index: PartialIndex,
  keys: readonly string[],
): Promise<void> => {
  const wanted = withTwins(keys);
  const { entries } = await store.getMany(wanted.map((key) => prefix + key));
  for (const [at, key] of wanted.entries()) {
    const entry = entries[at];
    if (entry) index.apply({ key, value: entry.value, modRevision: BigInt(entry.modRevision) });
    index.addKey(key);
  }
};

/** Reads all that is under a prefix into an index. */
export const readPrefix = async ({ store, prefix }: Room, index: PartialIndex, under: string): Promise<void> => {
  await store.list(prefix + under, ({ key, value, modRevision }) => {
    index.apply({ key: key.slice(prefix.length), value, modRevision: BigInt(modRevision) });
  });
  index.addPrefix(under);
};

/** Reads what was asked of an index and is not known. @returns whether anything was. */
export const readMissing = async (room: Room, index: PartialIndex): Promise<boolean> => {
  const { keys, prefixes } = index.takeMissing();
  if (keys.length > 0) await readKeys(room, index, keys);
  for (const prefix of prefixes) await readPrefix(room, index, prefix);
  return keys.length + prefixes.length > 0;
};

/** The consumers that hold something of a provider. */
export const listHolders = async ({ store, prefix }: Room, provider: string): Promise<string[]> => {
  const under = prefix + markerKeyOf('holding', `${provider}/`);
  const { entries } = await store.listKeys(under);
  return entries.map(({ key }) => key.slice(under.length));
};
