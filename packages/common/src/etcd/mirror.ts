import { backoff, sleep } from '../async/sleep.js';
import { withResolvers } from '../async/deadline.js';
import { EcomputeError, toError } from '../errors.js';
import type { Store } from './store.js';
import type { WatchEvent } from './store-watch.js';
import type { Logger } from '../log.js';
import { createArrivals } from './arrivals.js';

/*
 * A copy in memory of all that is under the prefix: read in pages as of one revision, then kept by a watch from there. At any disconnect,
 * error, compaction or doubt a new copy is made, which takes the old one's place when it is whole. So whatever a watch does, nothing is
 * missed for good, and nothing that has gone stays.
 *
 * The watch hands over each revision as a whole, and it is applied as a whole: what one transaction wrote is seen together. What this
 * process itself has written is shown at once, ahead of the watch; a write rests on what it has read, so what is shown never lacks what
 * something else in it rests on.
 */

/** What is kept of what is stored. */
export interface MirrorIndex {
  /** Changes of a key come in order, and some of them again. */
  readonly apply: (change: Change) => void;
  /** No change up to this revision comes any more. */
  readonly forgetDeleted?: (upTo: bigint) => void;
}

export interface Change {
  /** Relative to the prefix. */
  readonly key: string;
  /** Undefined when it was deleted. */
  readonly value: string | undefined;
  readonly modRevision: bigint;
}

export interface Mirror<I extends MirrorIndex> extends AsyncDisposable {
  readonly index: () => I;
  /** All that was written up to it is in the index. */
  readonly revision: () => bigint;
  /** Whether the watch is well, as far as is known. */
  readonly isFollowing: () => boolean;
  /** Waits until all is in the index that was written up to a revision. @throws EcomputeError ECOMPUTE_ETCD_UNREACHABLE at the deadline. */
  readonly reach: (revision: bigint) => Promise<void>;
  /** Shows what this process has written in a transaction. */
  readonly applyOwn: (changes: readonly Change[]) => void;
  /** Something is wrong with the copy: a new one is made. */
  readonly doubt: (reason: string) => void;
}

export interface MirrorOptions<I extends MirrorIndex> {
  /** Makes an empty one. */
  readonly createIndex: () => I;
  readonly store: Store;
  readonly prefix: string;
  readonly log: Logger;
  /** How long `reach` may take. The watch is in doubt after half of it. */
  readonly deadlineMs: number;
  /** A copy has been made, for the first time or anew. */
  readonly onLoaded?: (() => void) | undefined;
}

const RETRY_MS = { minMs: 50, maxMs: 5_000 };

/** @returns when the first copy is whole. @throws what etcd said when it could not be made. */
export const openMirror = async <I extends MirrorIndex>({
  createIndex,
  store,
  prefix,
  log,
  deadlineMs,
  onLoaded,
}: MirrorOptions<I>): Promise<Mirror<I>> => {
  const closing = new AbortController();
  const { signal } = closing;
  const arrivals = createArrivals();
  let index = createIndex();
  let ownWhileLoading: Change[] = [];
  /** Ends the watch that is under way. */
  let endWatch: ((reason: string) => void) | undefined;

  const load = async (): Promise<bigint> => {
    ownWhileLoading = [];
    const fresh = createIndex();
    let taken = 0;
    const { entries, revision } = await store.list(prefix, ({ key, value, modRevision }) => {
      taken += 1;
      fresh.apply({ key: key.slice(prefix.length), value, modRevision: BigInt(modRevision) });
    });
    // The list was begun again, because etcd had compacted in its middle: what was taken before may have gone.
    if (taken !== entries.length) return load();
    index = fresh;
    for (const change of ownWhileLoading) if (change.modRevision > BigInt(revision)) index.apply(change);
    arrivals.restart(BigInt(revision));
    onLoaded?.();
    return BigInt(revision);
  };

  const take = (events: readonly WatchEvent[]): void => {
    const last = events.at(-1);
    if (!last) return;
    for (const { key, value, modRevision } of events)
      index.apply({ key: key.slice(prefix.length), value, modRevision: BigInt(modRevision) });
    const revision = BigInt(last.modRevision);
    index.forgetDeleted?.(revision);
    arrivals.arrive(revision);
  };

  const watch = async (from: bigint): Promise<void> => {
    const ended = withResolvers<void>();
    endWatch = (reason) => ended.reject(new Error(`the watch on ${prefix} ended: ${reason}`));
    const stop = store.watch({ prefix }, from.toString(), { onEvents: take, onEnd: endWatch });
    try {
      await ended.promise;
    } finally {
      endWatch = undefined;
      stop();
    }
  };

  const follow = async (loadedAt: bigint): Promise<void> => {
    let loaded: bigint | undefined = loadedAt;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        loaded ??= await load();
        if (signal.aborted) return;
        attempt = 1;
        await watch(loaded + 1n);
      } catch (thrown) {
        if (signal.aborted) return;
        const nextInMs = backoff(attempt, RETRY_MS);
        log.warn({ err: toError(thrown), etcdKey: prefix, nextInMs }, 'the copy of what etcd holds is made anew');
        await sleep(nextInMs, signal).catch(() => undefined);
      }
      loaded = undefined;
    }
  };

  const doubt = (reason: string): void => endWatch?.(reason);

  const reach = async (revision: bigint): Promise<void> => {
    if (arrivals.has(revision)) return;
    const suspicion = setTimeout(() => doubt(`revision ${revision} does not come`), deadlineMs / 2);
    const lateError = (): Error =>
      new EcomputeError(
        'ECOMPUTE_ETCD_UNREACHABLE',
        `could not follow ${prefix} in etcd at ${store.endpoints}: revision ${revision} did not come within ${deadlineMs / 1000} s`,
        { retryable: true, hint: 'check that etcd runs there (`etcdctl endpoint health`)' },
      );
    try {
      await arrivals.wait(revision, { deadlineMs, lateError });
    } finally {
      clearTimeout(suspicion);
    }
  };

  const following = follow(await load());
  return {
    index: () => index,
    revision: arrivals.revision,
    isFollowing: () => endWatch !== undefined,
    reach,
    applyOwn: (changes) => {
      if (endWatch === undefined) ownWhileLoading.push(...changes);
      // What the watch has brought already may have been overwritten or forgotten.
      for (const change of changes) if (!arrivals.has(change.modRevision)) index.apply(change);
    },
    doubt,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      endWatch?.('closed');
      arrivals.close();
      await following;
    },
  };
};
