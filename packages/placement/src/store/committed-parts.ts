import type { Store } from '@etcd-compute/common/etcd/store';
import type { Part } from './group.js';

/**
 * Which parts of a transaction were written, when it is only known that it was committed at a revision, which nobody else has. A part has
 * written a key when the key was changed at that revision, or when it was there just before and is there no more.
 *
 * @throws EcomputeError ECOMPUTE_ETCD_COMPACTED.
 */
export const findCommittedParts = async (
  { store, prefix }: { readonly store: Store; readonly prefix: string },
  parts: readonly Part<unknown>[],
  revision: bigint,
): Promise<boolean[]> => {
  const signs = parts.map(signOf);
  const keys = signs.map(({ key }) => prefix + key);
  const after = await store.getMany(keys, revision.toString());
  const before = signs.some(({ isDeleted }) => isDeleted)
    ? await store.getMany(keys, (revision - 1n).toString())
    : undefined;
  return signs.map(({ isDeleted }, index) => {
    const entry = after.entries[index];
    if (isDeleted) return entry === undefined && before?.entries[index] !== undefined;
    return entry?.modRevision === revision.toString();
  });
};

/** The key that tells: best one that is put. */
const signOf = ({ writes, keys }: Part<unknown>): { readonly key: string; readonly isDeleted: boolean } => {
  for (const [key, value] of writes) if (value !== undefined) return { key, isDeleted: false };
  for (const key of writes.keys()) if ((keys.get(key) ?? 0n) > 0n) return { key, isDeleted: true };
  // It deletes only what is not there, which is as good as done.
  return { key: '', isDeleted: true };
};
