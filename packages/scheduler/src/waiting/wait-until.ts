import { EcomputeError } from '@etcd-compute/common/errors';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import type { Store } from '@etcd-compute/common/etcd/store';
import { watchPrefix } from '@etcd-compute/common/etcd/watch-prefix';

export interface WaitOptions {
  readonly store: Store;
  /** Where a change may mean that the wait is over. */
  readonly prefixes: readonly string[];
  /** Reads the truth; true ends the wait. A retryable error, such as an etcd that is away, means not yet. */
  readonly check: () => Promise<boolean>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Checked again this often even when the watch is silent. */
const RELIST_MS = 5_000;

/**
 * Waits for a condition on etcd's contents. A watch only wakes the check, so an event that is lost delays it and does no
 * more.
 *
 * @returns what ended the wait. @throws the signal's reason on abort, and any error of `check` that is not retryable.
 */
export const waitUntil = async (options: WaitOptions): Promise<'done' | 'timed-out'> => {
  const { store, prefixes, check, timeoutMs, signal } = options;
  const controller = new AbortController();
  let wake = withResolvers<void>();
  const onWake = (): void => wake.resolve();
  let isTimedOut = false;
  const timer = setTimeout(() => {
    isTimedOut = true;
    onWake();
  }, timeoutMs);
  signal.addEventListener('abort', onWake, { once: true });
  const watches = prefixes.map((prefix) =>
    watchPrefix({
      store,
      prefix,
      relistMs: RELIST_MS,
      onList: onWake,
      onChange: onWake,
      onTrouble: onWake,
      signal: controller.signal,
    }),
  );
  // Each watch wakes the first check when it has listed; where there is none to do so, nothing is left to wait for either.
  if (watches.length === 0) onWake();
  try {
    for (;;) {
      await wake.promise;
      wake = withResolvers<void>();
      signal.throwIfAborted();
      if (await checkOnce(check)) return 'done';
      if (isTimedOut) return 'timed-out';
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onWake);
    controller.abort();
    await Promise.all(watches);
  }
};

const checkOnce = async (check: () => Promise<boolean>): Promise<boolean> => {
  try {
    return await check();
  } catch (err) {
    if (err instanceof EcomputeError && err.retryable) return false;
    throw err;
  }
};

/** A watch each for a few keys; one on their common prefix for many. */
export const prefixesToWatch = (keys: readonly string[], common: string): readonly string[] =>
  keys.length <= 8 ? keys : [common];
