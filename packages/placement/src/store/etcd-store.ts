import { shareRuns } from '@etcd-compute/common/async/share-runs';
import type { Store, Write } from '@etcd-compute/common/etcd/store';
import type { Condition } from '@etcd-compute/common/etcd/store-branch';
import type { Logger } from '@etcd-compute/common/log';
import { Draft } from '../engine/draft.js';
import { Refusal } from '../engine/refusal.js';
import { PlacementIndex } from '../index/placement-index.js';
import { createCommitter } from './committer.js';
import { HEAD } from './etcd-keys.js';
import { ensureFormat } from './format.js';
import { openMirror } from '@etcd-compute/common/etcd/mirror';
import type { PlacementStore } from './placement-store.js';
import type { StoreObserver } from './store-observer.js';
import { toBranch } from './to-branch.js';
import { createWriter, removeOldWriters } from './writer.js';

/** A write that is planned and not committed, for who has more to write in the same transaction. Keys are whole. */
export interface Prepared<T> {
  readonly result: T;
  readonly when: readonly Condition[];
  readonly writes: readonly Write[];
  /** Tells that it was committed, so that it is seen here at once. */
  readonly committed: (revision: string) => void;
}

export interface EtcdPlacementStore extends PlacementStore {
  /**
   * Plans a write. Nothing is kept for it: whether it still holds is told by its conditions. When they do not hold, it is prepared again,
   * after `catchUp`.
   *
   * @throws Refusal when it stands with an index that is up to date.
   */
  readonly prepare: <T>(plan: (draft: Draft) => T) => Promise<Prepared<T>>;
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

  const draftOf = <T>(plan: (draft: Draft) => T): { draft: Draft; result: T } => {
    const draft = new Draft(mirror.index(), now());
    return { draft, result: plan(draft) };
  };

  const prepare = async <T>(plan: (draft: Draft) => T): Promise<Prepared<T>> => {
    const planned = await (async () => {
      try {
        return draftOf(plan);
      } catch (err) {
        if (!(err instanceof Refusal)) throw err;
        await barrier();
        return draftOf(plan);
      }
    })();
    const { guards, writes } = planned.draft.plan;
    const branch = toBranch({ ...guards, writes }, { prefix, revision: mirror.revision() });
    return {
      result: planned.result,
      when: branch.when,
      writes: [...branch.writes, { op: 'put', key: prefix + HEAD, value: '' }],
      committed: (revision) =>
        mirror.applyOwn([...writes].map(([key, value]) => ({ key, value, modRevision: BigInt(revision) }))),
    };
  };

  return {
    read: async (look, { mayLag = false } = {}) => {
      // A watch that is in trouble may lag for hours.
      if (!mayLag || !mirror.isFollowing()) await barrier();
      return look(mirror.index());
    },
    write: committer.write,
    prepare,
    catchUp: barrier,
    [Symbol.asyncDispose]: async () => {
      await committer[Symbol.asyncDispose]();
      await writer[Symbol.asyncDispose]();
      await mirror[Symbol.asyncDispose]();
    },
  };
};
