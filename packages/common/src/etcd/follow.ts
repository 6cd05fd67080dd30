import { setMaxListeners } from 'node:events';
import { withResolvers } from '../async/deadline.js';
import { backoff, jitter, sleep } from '../async/sleep.js';
import { toError } from '../errors.js';
import type { KeyRevision, Store } from './store.js';
import type { WatchTarget } from './store-watch.js';

interface FollowOptions {
  readonly store: Store;
  /** Look again this often, even when the watch seems to be well. */
  readonly relistMs: number;
  /** Keys that changed after the last look. A hint to read them again. */
  readonly onChange: (keys: readonly string[]) => void;
  /**
   * The watch was lost or could not be set up; it is tried again after `nextInMs`. `isRepeat`: for the same reason as at the last try.
   */
  readonly onTrouble: (err: Error, details: { nextInMs: number; isRepeat: boolean }) => void;
  /** The first look after trouble has worked; called before what came of it is handed over. */
  readonly onRecovered?: () => void;
  readonly signal: AbortSignal;
}

export interface FollowPrefixOptions extends FollowOptions {
  readonly prefix: string;
  /** All keys there are, as of one revision: first, after every trouble, and every `relistMs`. */
  readonly onList: (entries: readonly KeyRevision[]) => void;
}

export interface FollowKeysOptions extends FollowOptions {
  readonly keys: readonly string[];
  /** Any of the keys may have changed: first, after every trouble, and every `relistMs`. */
  readonly onLook: () => void;
}

/** Follows all keys under a prefix until the signal fires. Never throws. */
export const followPrefix = async ({ prefix, onList, ...options }: FollowPrefixOptions): Promise<void> =>
  follow(options, {
    target: { prefix },
    look: async () => {
      const { entries, revision } = await options.store.listKeys(prefix);
      return { revision, handOver: () => onList(entries) };
    },
  });

/** Follows some keys until the signal fires; it costs the same, whatever else is in etcd. Never throws. */
export const followKeys = async ({ keys, onLook, ...options }: FollowKeysOptions): Promise<void> =>
  follow(options, {
    target: { keys },
    look: async () => {
      const { revision } = await options.store.getMany(keys.slice(0, 1));
      return { revision, handOver: onLook };
    },
  });

interface Followed {
  readonly target: WatchTarget;
  readonly look: () => Promise<{ revision: string; handOver: () => void }>;
}

const RETRY_MS = { minMs: 200, maxMs: 5_000 };

/**
 * Looks, then watches from the revision of the look. At any disconnect, error or compaction, and after a period, it starts over. So
 * nothing is missed for good, whatever the watch does.
 */
const follow = async (options: FollowOptions, followed: Followed): Promise<void> => {
  const { signal, onTrouble, onRecovered } = options;
  setMaxListeners(0, signal);
  let trouble: string | undefined;
  for (let attempt = 1; !signal.aborted;) {
    try {
      await lookAndWatch(options, followed, () => {
        attempt = 1;
        if (trouble !== undefined) onRecovered?.();
        trouble = undefined;
      });
    } catch (thrown) {
      const nextInMs = backoff(attempt, RETRY_MS);
      attempt += 1;
      if (signal.aborted) return;
      const err = toError(thrown);
      onTrouble(err, { nextInMs, isRepeat: err.message === trouble });
      trouble = err.message;
      await sleep(nextInMs, signal).catch(() => undefined);
    }
  }
};

/** One round. Resolves when it is time to look again, throws on trouble. */
const lookAndWatch = async (
  { store, relistMs, onChange, signal }: FollowOptions,
  { target, look }: Followed,
  onLooked: () => void,
): Promise<void> => {
  const { revision, handOver } = await look();
  if (signal.aborted) return;
  onLooked();
  handOver();
  const ended = withResolvers<void>();
  const timer = setTimeout(() => ended.resolve(), jitter(relistMs));
  const onAbort = (): void => ended.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  const stop = store.watch(target, (BigInt(revision) + 1n).toString(), {
    onChange,
    onEnd: (reason) => ended.reject(new Error(`the watch on ${describe(target)} ended: ${reason}`)),
  });
  try {
    await ended.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    stop();
  }
};

const describe = (target: WatchTarget): string => {
  if ('prefix' in target) return target.prefix;
  const [first = 'no key', ...rest] = target.keys;
  return rest.length === 0 ? first : `${first} and ${rest.length} more keys`;
};
