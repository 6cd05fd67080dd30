import { setTimeout as delay } from 'node:timers/promises';

export interface WaitForOptions {
  /** What is waited for, as the end of "gave up waiting for ...". */
  readonly what: string;
  /** Far longer than needed: it only decides how long a broken run takes. Default 120,000. */
  readonly timeoutMs?: number;
  /** Pause between two checks. Default 25. */
  readonly intervalMs?: number;
  /** Asked once when giving up: what a reader needs to see, for example the end of a log. */
  readonly onTimeout?: () => string | Promise<string>;
  readonly signal?: AbortSignal;
}

/** Thrown by {@link waitFor}; `cause` is what the last check threw, if it threw. */
export class WaitTimeoutError extends Error {
  override readonly name = 'WaitTimeoutError';
}

/**
 * Polls `check` until it returns something other than `undefined` or `false`, and returns that.
 *
 * A check that throws is a check that has not succeeded yet; a check that must end the wait early throws a {@link StopWaiting}.
 */
export async function waitFor<T>(
  check: () => T | undefined | false | Promise<T | undefined | false>,
  options: WaitForOptions,
): Promise<T> {
  const { what, timeoutMs = 120_000, intervalMs = 25, signal } = options;
  const deadline = performance.now() + timeoutMs;
  let last: { threw: boolean; value: unknown };
  for (;;) {
    signal?.throwIfAborted();
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
      last = { threw: false, value };
    } catch (error) {
      if (error instanceof StopWaiting) throw error;
      last = { threw: true, value: error };
    }
    if (performance.now() > deadline) break;
    await delay(intervalMs, undefined, { ...(signal && { signal }) });
  }
  const status = options.onTimeout ? await options.onTimeout() : describe(last);
  throw new WaitTimeoutError(
    `gave up waiting for ${what} after ${timeoutMs / 1000} s; last status: ${status}`,
    last.threw ? { cause: last.value } : {},
  );
}

/** Thrown inside a check: waiting longer cannot help (the process being waited for has died, for example). */
export class StopWaiting extends Error {
  override readonly name = 'StopWaiting';
}

function describe({ threw, value }: { threw: boolean; value: unknown }): string {
  if (!threw) return `the check returned ${String(value)}`;
  return value instanceof Error ? `the check threw ${value.name}: ${value.message}` : 'the check threw a non-error';
}
