import { withResolvers } from '@etcd-compute/common/async/deadline';
import type { EcomputeError } from '@etcd-compute/common/errors';

/** One run of the agent, from its start to its end. */
export interface Lifetime {
  /** Aborted when the agent has closed, or must not go on. */
  readonly signal: AbortSignal;
  /** Resolves when the agent must not go on: another agent has taken over this host, or etcd is another one. */
  readonly ended: Promise<EcomputeError>;
  /** Why it must not go on. */
  readonly endedBy: EcomputeError | undefined;
  /** False once the agent stops: it then starts nothing new. */
  readonly mayClaim: boolean;
  readonly end: (reason: EcomputeError) => void;
  readonly stopClaiming: () => void;
  /** Aborts `signal`. */
  readonly close: () => void;
}

export const createLifetime = (): Lifetime => {
  const running = new AbortController();
  const { promise: ended, resolve } = withResolvers<EcomputeError>();
  let endedBy: EcomputeError | undefined;
  let mayClaim = true;
  return {
    signal: running.signal,
    ended,
    get endedBy() {
      return endedBy;
    },
    get mayClaim() {
      return mayClaim;
    },
    end: (reason) => {
      endedBy ??= reason;
      running.abort();
      resolve(reason);
    },
    stopClaiming: () => {
      mayClaim = false;
    },
    close: () => running.abort(),
  };
};
