import { EcomputeError } from '@etcd-compute/common/errors';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import { followKeys } from '@etcd-compute/common/etcd/follow';
import type { Store } from '@etcd-compute/common/etcd/store';

/** The keys that have changed since the last check, as far as is known. */
export type Changed = ReadonlySet<string> | 'any';

export const isIn = (changed: Changed, key: string): boolean => changed === 'any' || changed.has(key);

export interface WaitOptions {
  readonly store: Store;
  /** Where a change may mean that the wait is over. Asked after each check: keys may come to it. */
  readonly keys: () => readonly string[];
  /** Reads the current state; true ends the wait. A retryable error, such as an etcd that is away, means not yet. */
  readonly check: (changed: Changed) => Promise<boolean>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Everything is checked again this often, even when the watch is silent. */
const RECHECK_MS = 5_000;
/** The watch is renewed this often. */
const REWATCH_MS = 60_000;

/**
 * Waits for a condition on some keys of etcd. A watch only wakes the check, so an event that is lost delays it and does no more.
 *
 * @returns what ended the wait. @throws the signal's reason on abort, and any error of `check` that is not retryable.
 */
export const waitUntil = async ({
  store,
  keys,
  check,
  timeoutMs,
  signal,
}: WaitOptions): Promise<'done' | 'timed-out'> => {
  let wake = withResolvers<void>();
  let changed: Set<string> | 'any' = 'any';
  let isTimedOut = false;
  const onAny = (): void => {
    changed = 'any';
    wake.resolve();
  };
  const onChange = (names: readonly string[]): void => {
    if (changed !== 'any') for (const name of names) changed.add(name);
    wake.resolve();
  };
  const timer = setTimeout(() => {
    isTimedOut = true;
    onAny();
  }, timeoutMs);
  const recheck = setInterval(onAny, RECHECK_MS);
  signal.addEventListener('abort', onAny, { once: true });
  await using watch = createKeysWatch(store, { onAny, onChange });
  try {
    // The first check comes when the watch is set up; without a key it comes at once.
    if (keys().length === 0) onAny();
    for (;;) {
      watch.follow(keys());
      await wake.promise;
      wake = withResolvers<void>();
      signal.throwIfAborted();
      const seen: Changed = changed;
      changed = new Set();
      const result = await checkOnce(check, seen);
      if (result === 'done') return 'done';
      if (isTimedOut) return 'timed-out';
      if (result === 'unknown') changed = 'any';
    }
  } finally {
    clearTimeout(timer);
    clearInterval(recheck);
    signal.removeEventListener('abort', onAny);
  }
};

interface KeysWatch extends AsyncDisposable {
  /** Follows these keys from now on. */
  readonly follow: (keys: readonly string[]) => void;
}

const createKeysWatch = (
  store: Store,
  { onAny, onChange }: { onAny: () => void; onChange: (keys: readonly string[]) => void },
): KeysWatch => {
  let followed: ReadonlySet<string> = new Set();
  let stop = new AbortController();
  const ends: Promise<void>[] = [];
  return {
    follow: (keys) => {
      if (keys.every((key) => followed.has(key))) return;
      stop.abort();
      stop = new AbortController();
      followed = new Set(keys);
      ends.push(
        followKeys({
          store,
          keys,
          relistMs: REWATCH_MS,
          onLook: onAny,
          onChange,
          onTrouble: onAny,
          signal: stop.signal,
        }),
      );
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(ends);
    },
  };
};

const checkOnce = async (check: WaitOptions['check'], changed: Changed): Promise<'done' | 'pending' | 'unknown'> => {
  try {
    return (await check(changed)) ? 'done' : 'pending';
  } catch (err) {
    if (err instanceof EcomputeError && err.retryable) return 'unknown';
    throw err;
  }
};
