import { withResolvers } from '../async/deadline.js';

/** Up to which revision everything has arrived, and who waits for more. */
export interface Arrivals {
  readonly revision: () => bigint;
  readonly has: (revision: bigint) => boolean;
  readonly arrive: (revision: bigint) => void;
  /** Everything was read anew, as of a revision, which may be an older one when etcd was restored from a backup. */
  readonly restart: (revision: bigint) => void;
  /** @throws what `lateError` makes, at the deadline. */
  readonly wait: (revision: bigint, options: WaitOptions) => Promise<void>;
  /** Nobody waits any longer: all get `lateError` at once. */
  readonly close: () => void;
}

export interface WaitOptions {
  readonly deadlineMs: number;
  readonly lateError: () => Error;
}

interface Waiter {
  readonly revision: bigint;
  readonly resolve: () => void;
  readonly giveUp: () => void;
}

export const createArrivals = (): Arrivals => {
  let current = 0n;
  const waiters = new Set<Waiter>();
  const wake = (): void => {
    for (const waiter of waiters) if (waiter.revision <= current) waiter.resolve();
  };
  return {
    revision: () => current,
    has: (revision) => revision <= current,
    arrive: (revision) => {
      if (revision > current) current = revision;
      wake();
    },
    restart: (revision) => {
      current = revision;
      wake();
    },
    wait: async (revision, { deadlineMs, lateError }) => {
      const arrived = withResolvers<void>();
      const giveUp = (): void => arrived.reject(lateError());
      const waiter: Waiter = { revision, resolve: arrived.resolve, giveUp };
      const timer = setTimeout(giveUp, deadlineMs);
      waiters.add(waiter);
      try {
        await arrived.promise;
      } finally {
        clearTimeout(timer);
        waiters.delete(waiter);
      }
    },
    close: () => {
      for (const { giveUp } of waiters) giveUp();
    },
  };
};
