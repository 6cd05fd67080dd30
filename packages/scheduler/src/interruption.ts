import { EcomputeError } from '@etcd-compute/common/errors';

/**
 * Ctrl-C. A command ends at once, except within `guard`: what has been allocated is also written down (or taken back) first. Nothing is
 * lost when even that is cut short by a second Ctrl-C or SIGKILL, but then an agent has to find it.
 */
export interface Interruption {
  /** Fires at the first signal: start nothing new. */
  readonly signal: AbortSignal;
  /** Rejects with ECOMPUTE_ABORTED once nothing is guarded any more. */
  readonly ended: Promise<never>;
  /** Runs what must not be left half done. @throws the abort when the signal has fired already. */
  readonly guard: <T>(task: () => Promise<T>) => Promise<T>;
  /** What goes on without the command, and how to look after it; asked when it is interrupted. */
  describe: () => string;
  readonly interrupt: () => void;
}

export const createInterruption = (): Interruption => {
  const controller = new AbortController();
  let guarded = 0;
  let reject: (reason: unknown) => void = () => undefined;
  const ended = new Promise<never>((_resolve, onReject) => {
    reject = onReject;
  });
  // It may well be that nobody waits for it any more.
  ended.catch(() => undefined);
  const interruption: Interruption = {
    signal: controller.signal,
    ended,
    describe: () => '',
    guard: async (task) => {
      controller.signal.throwIfAborted();
      guarded += 1;
      try {
        return await task();
      } finally {
        guarded -= 1;
        endIfFree();
      }
    },
    interrupt: () => {
      controller.abort();
      endIfFree();
    },
  };
  const endIfFree = (): void => {
    if (guarded > 0 || !controller.signal.aborted) return;
    const hint = interruption.describe();
    reject(new EcomputeError('ECOMPUTE_ABORTED', 'interrupted', hint === '' ? {} : { hint }));
  };
  return interruption;
};
