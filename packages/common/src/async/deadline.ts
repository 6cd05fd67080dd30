import { EcomputeError } from '../errors.js';

export interface DeadlineOptions {
  readonly timeoutMs: number;
  /** Completes "… did not finish within N s". */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** Called when a task that was given up ends after all: what it did may have to be undone. */
  readonly onLateEnd?: (() => void) | undefined;
}

/**
 * Runs `task` with a signal that fires at the deadline or with the outer signal, and stops waiting for it then, even if the
 * task is deaf to its signal.
 *
 * @throws EcomputeError ECOMPUTE_STEP_TIMED_OUT at the deadline, the outer signal's AbortError on abort.
 */
export const withDeadline = async <T>(
  task: (signal: AbortSignal) => Promise<T>,
  options: DeadlineOptions,
): Promise<T> => {
  const { timeoutMs, what, signal: outer, onLateEnd } = options;
  outer?.throwIfAborted();
  const controller = new AbortController();
  const timedOut = new EcomputeError('ECOMPUTE_STEP_TIMED_OUT', `${what} did not finish within ${timeoutMs / 1000} s`, {
    retryable: true,
  });
  const { promise: given, reject: giveUp } = withResolvers<never>();
  const timer = setTimeout(() => giveUp(timedOut), timeoutMs);
  const onAbort = (): void => giveUp(outer?.reason);
  outer?.addEventListener('abort', onAbort, { once: true });
  // Async: also what it throws at once ends the wait, and the timer with it.
  const running = (async () => task(controller.signal))();
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
  };
  running.then(end, end);
  try {
    return await Promise.race([running, given]);
  } finally {
    if (!hasEnded && onLateEnd) running.then(onLateEnd, onLateEnd);
    clearTimeout(timer);
    outer?.removeEventListener('abort', onAbort);
    controller.abort();
  }
};

/** `Promise.withResolvers`, which Node 20 lacks. */
export const withResolvers = <T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
} => {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
};
