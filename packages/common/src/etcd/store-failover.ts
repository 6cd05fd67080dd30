import { BrokenCircuitError, isBrokenCircuitError, noop, type IPolicy } from 'cockatiel';
import type { IOptions } from 'etcd3';
import { isRecoverableError } from 'etcd3';

/*
 * What etcd3 does with a member that does not answer. It picks one at random for every call, so of three members with one down, every
 * third call would fail. Here a member that failed is left out for a moment, and a call that never reached it is sent to another.
 */

export interface Failover {
  readonly faultHandling: NonNullable<IOptions['faultHandling']>;
  /** Why a call failed: while every member is left out, what the last one of them said. */
  readonly reasonOf: (thrown: unknown) => unknown;
}

const LEFT_OUT_MS = 1000;

/** A lone member is always asked: leaving it out would only hide the reason. */
export const createFailover = (members: number): Failover => {
  if (members === 1) return { faultHandling: { host: () => noop, global: noop }, reasonOf: (thrown) => thrown };
  let last: unknown;
  return {
    faultHandling: {
      global: noop,
      host: leaveOutFailing,
    },
    reasonOf: (thrown) => {
      if (isBrokenCircuitError(thrown)) return last ?? thrown;
      last = thrown;
      return thrown;
    },
  };
};

/**
 * No call waits for another one here. cockatiel's own circuit breaker lets calls wait while one of them tries the member again, and etcd3
 * makes a call within that one when the member has forgotten its token, as it does when it is restarted: the two would wait for ever.
 */
const leaveOutFailing = (): IPolicy => {
  const { onSuccess, onFailure, _altReturn } = noop;
  let failedAt = Number.NEGATIVE_INFINITY;
  return {
    onSuccess,
    onFailure,
    _altReturn,
    execute: async (run, signal = new AbortController().signal) => {
      if (performance.now() - failedAt < LEFT_OUT_MS) throw new BrokenCircuitError();
      try {
        return await run({ signal });
      } catch (err) {
        if (err instanceof Error && isRecoverableError(err)) failedAt = performance.now();
        throw err;
      }
    },
  };
};
