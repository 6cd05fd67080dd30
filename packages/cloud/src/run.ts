import { withResolvers } from '@etcd-compute/common/async/deadline';
import type { CloudEvent } from './events.js';

/** How a caller runs a function of a cloud. */
export interface RunOptions {
  /**
   * Ends it: nothing new is begun, and what must not be left half done is finished first. What has been written stays written, and the
   * agents carry it out; the events say what that is.
   */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: CloudEvent) => void) | undefined;
}

/** A function while it runs. */
export interface Run {
  readonly signal: AbortSignal;
  readonly emit: (event: CloudEvent) => void;
  /** Runs what must not be left half done. @throws the reason of the signal when it has fired already. */
  readonly guard: <T>(task: () => Promise<T>) => Promise<T>;
}

/** Runs a task until it ends, or until the signal fires and nothing is guarded. @throws the reason of the signal */
export const run = async <T>(
  { signal = new AbortController().signal, onEvent = () => undefined }: RunOptions,
  task: (run: Run) => Promise<T>,
): Promise<T> => {
  signal.throwIfAborted();
  const { promise: aborted, reject } = withResolvers<never>();
  // The task may have ended before.
  aborted.catch(() => undefined);
  let guarded = 0;
  const endIfFree = (): void => {
    if (guarded === 0 && signal.aborted) reject(signal.reason);
  };
  const guard: Run['guard'] = async (step) => {
    signal.throwIfAborted();
    guarded += 1;
    try {
      return await step();
    } finally {
      guarded -= 1;
      endIfFree();
    }
  };
  signal.addEventListener('abort', endIfFree, { once: true });
  try {
    return await Promise.race([task({ signal, emit: onEvent, guard }), aborted]);
  } finally {
    signal.removeEventListener('abort', endIfFree);
  }
};
