import { backoff, sleep } from './sleep.js';

export interface RetryOptions {
  /** Whether to try again after this failure. Attempts count from 1. */
  readonly isWorthIt: (err: unknown, attempt: number) => boolean;
  /** The pause before the next attempt doubles from `minMs` to `maxMs`. Without it, there is no pause. */
  readonly pause?: { readonly minMs: number; readonly maxMs: number };
  readonly signal?: AbortSignal;
}

/** Runs a task until it succeeds. @throws the last failure; the signal's reason on abort. */
export const retry = async <T>(task: () => Promise<T>, { isWorthIt, pause, signal }: RetryOptions): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await task();
    } catch (err) {
      signal?.throwIfAborted();
      if (!isWorthIt(err, attempt)) throw err;
      if (pause) await sleep(backoff(attempt, pause), signal);
    }
  }
};
