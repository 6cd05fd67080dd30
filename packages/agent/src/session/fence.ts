import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Entry, Guard, Store } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid, SessionUuid } from '@etcd-compute/common/ids';

/**
 * Only one session at a time writes for a host: every write compares `guard`. A write of a session that was frozen and replaced fails, even if
 * its successor has not written yet.
 */
export interface Fence {
  readonly guard: Guard;
  /**
   * Restores the key after a person, or a restore of etcd, has changed it.
   *
   * @param entry the guard's key, just read.
   * @returns false when another session has taken over.
   */
  readonly renew: (entry: Entry | undefined) => Promise<boolean>;
  /** Asks etcd whether this session still holds the host. For actions that are no write to etcd, and must not happen otherwise. */
  readonly isHeld: () => Promise<boolean>;
  /** Whether etcd had lost this host's key. Nobody removes the key of a session, so etcd lost it. */
  readonly wasGone: boolean;
  /** Forgets `wasGone`: nothing else was lost. */
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

/** Call it after the presence was taken. */
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
