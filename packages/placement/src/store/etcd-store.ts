import { shareRuns } from '@etcd-compute/common/async/share-runs';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import { PlacementIndex } from '../index/placement-index.js';
import { createCommitter } from './committer.js';
import { HEAD } from './etcd-keys.js';
import { ensureFormat } from './format.js';
import { openMirror } from '@etcd-compute/common/etcd/mirror';
import type { PlacementStore } from './placement-store.js';
import type { StoreObserver } from './store-observer.js';
import { createWriter, removeOldWriters } from './writer.js';

export interface EtcdPlacementStore extends PlacementStore {
  /** Resolves when all is known here that was written before the call. */
  readonly catchUp: () => Promise<void>;
}

export interface EtcdStoreOptions {
  /** Stays its owner's to close. */
  readonly store: Store;
  /** Of all keys; ends with a slash, and nothing else is below it. */
  readonly prefix: string;
  readonly log: Logger;
  /** How long to wait for what etcd has to tell. */
  readonly deadlineMs?: number;
  readonly now?: () => number;
  readonly observer?: StoreObserver;
}

const DEADLINE_MS = 10_000;

/**
 * Placement's state in etcd. Any number of processes may do so at the same time. Reads and writes throw EcomputeError ECOMPUTE_ETCD_* when
 * etcd cannot be asked; after a write, `details.isOutcomeUnknown` tells that it may have been written.
 *
 * @throws what etcd says, when the first copy of its content cannot be made; EcomputeError ECOMPUTE_PLACEMENT_TOO_OLD.
 */
export const openEtcdStore = async (options: EtcdStoreOptions): Promise<EtcdPlacementStore> => {
  const { store, prefix, log, deadlineMs = DEADLINE_MS, now = Date.now, observer = {} } = options;
  await ensureFormat(store, prefix);
  await removeOldWriters({ store, prefix, now });
  const mirror = await openMirror({
    createIndex: () => new PlacementIndex(),
    store,
    prefix,
    log,
    deadlineMs,
    onLoaded: observer.onLoaded,
  });
  const writer = createWriter({ store, prefix, now, deadlineMs });
  const readHead = shareRuns(async () => BigInt((await store.get(prefix + HEAD))?.modRevision ?? '0'));
  const barrier = async (): Promise<void> => {
    const head = await readHead();
    const since = performance.now();
    await mirror.reach(head);
    observer.onCaughtUp?.(performance.now() - since);
  };
  const committer = createCommitter({ store, prefix, mirror, writer, barrier, now, observer });

  return {
    read: async (look, { mayLag = false } = {}) => {
      // A watch that is in trouble may lag for hours.
      if (!mayLag || !mirror.isFollowing()) await barrier();
      return look(mirror.index());
    },
    write: committer.write,
    catchUp: barrier,
    [Symbol.asyncDispose]: async () => {
      await committer[Symbol.asyncDispose]();
      await writer[Symbol.asyncDispose]();
      await mirror[Symbol.asyncDispose]();
    },
  };
};
