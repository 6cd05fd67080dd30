import { setMaxListeners } from 'node:events';
import { withResolvers } from '../async/deadline.js';
import { backoff, jitter, sleep } from '../async/sleep.js';
import { toError } from '../errors.js';
import type { Entry, Store } from './store.js';

export interface WatchPrefixOptions {
  readonly store: Store;
  readonly prefix: string;
  /** List again this often even when the watch looks well. */
  readonly relistMs: number;
  /** All there is, as of one revision: at first, after every trouble, and every `relistMs`. */
  readonly onList: (entries: readonly Entry[]) => void;
  /** Keys that changed after the list. A hint to read them again. */
  readonly onChange: (keys: readonly string[]) => void;
  /**
   * The watch was lost or could not be set up; it is tried again after `nextInMs`. `isRepeat`: for the same reason as at the last try.
   */
  readonly onTrouble: (err: Error, details: { nextInMs: number; isRepeat: boolean }) => void;
  /** The first list after trouble has come; called before `onList`. */
  readonly onRecovered?: () => void;
  readonly signal: AbortSignal;
}

const RETRY_MS = { minMs: 200, maxMs: 5_000 };

/**
 * Follows a prefix for as long as the signal lets it: list, then watch from the list's revision, and at any disconnect, error,
 * compaction or after a period: from the start. So nothing is missed for good, whatever the watch does. Never throws.
 */
export const watchPrefix = async (options: WatchPrefixOptions): Promise<void> => {
  const { signal, onTrouble, onRecovered } = options;
  setMaxListeners(0, signal);
  let trouble: string | undefined;
  for (let attempt = 1; !signal.aborted;) {
    try {
      await listAndWatch(options, () => {
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

/** One round; resolves when it is time to list again, throws on trouble. */
const listAndWatch = async (options: WatchPrefixOptions, onListed: () => void): Promise<void> => {
  const { store, prefix, relistMs, onList, onChange, signal } = options;
  const { entries, revision } = await store.list(prefix);
  if (signal.aborted) return;
  onListed();
  onList(entries);
  const ended = withResolvers<void>();
  const timer = setTimeout(() => ended.resolve(), jitter(relistMs));
  const onAbort = (): void => ended.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  const stop = store.watch(prefix, (BigInt(revision) + 1n).toString(), {
    onChange,
    onEnd: (reason) => ended.reject(new Error(`the watch on ${prefix} ended: ${reason}`)),
  });
  try {
    await ended.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    stop();
  }
};
