import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Entry, Guard, Store } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid, SessionUuid } from '@etcd-compute/common/ids';

/**
 * Only one session at a time writes for a host: every write compares `guard`. One of a session that was frozen and replaced changes
 * nothing, even where its successor has not written yet.
 */
export interface Fence {
  readonly guard: Guard;
  /**
   * Puts right what a person, or an etcd restored from a backup, has changed.
   *
   * @param entry what has just been read of the guard's key.
   * @returns false when another session has taken over.
   */
  readonly renew: (entry: Entry | undefined) => Promise<boolean>;
  /** Asks etcd whether this session still holds the host: for what must not be done otherwise, and is no write to etcd. */
  readonly isHeld: () => Promise<boolean>;
  /** Whether etcd had forgotten this host: nobody removes the key of a session. */
  readonly wasGone: boolean;
  /** Nothing else was lost. */
  readonly forgive: () => void;
}

export interface FenceOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly session: SessionUuid;
  /** Whether an earlier session of this host has written to this etcd. */
  readonly isKnown?: boolean;
}

/** To be taken by whoever has the presence. */
export const takeFence = async ({ store, keys, host, session, isKnown = false }: FenceOptions): Promise<Fence> => {
  const key = keys.session(host);
  const put = async (modRevision: string): Promise<Guard | undefined> => {
    const { isCommitted, revision } = await store.txn([{ key, modRevision }], [{ op: 'put', key, value: session }]);
    return isCommitted ? { key, modRevision: revision } : undefined;
  };
  let guard: Guard | undefined;
  let wasGone = false;
  while (!guard) {
    const before = await store.get(key);
    wasGone = isKnown && before === undefined;
    guard = await put(before?.modRevision ?? '0');
  }
  let current: Guard = guard;
  return {
    get guard() {
      return current;
    },
    renew: async (entry) => {
      if (entry && entry.value !== session) return false;
      if (!entry) wasGone = true;
      current = entry ? { key, modRevision: entry.modRevision } : ((await put('0')) ?? current);
      return true;
    },
    isHeld: async () => (await store.get(key))?.value === session,
    get wasGone() {
      return wasGone;
    },
    forgive: () => {
      wasGone = false;
    },
  };
};
