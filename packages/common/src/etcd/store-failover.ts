import { circuitBreaker, ConsecutiveBreaker, handleWhen, isBrokenCircuitError, noop } from 'cockatiel';
import type { IOptions } from 'etcd3';
import { isRecoverableError } from 'etcd3';

/**
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
      host: () =>
        circuitBreaker(
          handleWhen((err) => isRecoverableError(err)),
          { halfOpenAfter: LEFT_OUT_MS, breaker: new ConsecutiveBreaker(1) },
        ),
    },
    reasonOf: (thrown) => {
      if (isBrokenCircuitError(thrown)) return last ?? thrown;
      last = thrown;
      return thrown;
    },
  };
};
