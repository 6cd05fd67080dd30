import type { Fault } from '@etcd-compute/common/etcd/messages/instance-record';
import { EcomputeError, formatErrorChain, isAbort } from '@etcd-compute/common/errors';
import { isCapacityTrouble } from '@etcd-compute/common/capacity/errors';
import {
  CallTimeoutError,
  LibvirtError,
  ReleasedError,
  StuckConnectionError,
  TooManyHungCallsError,
} from '@etcd-compute/libvirt/errors';

/** Why an instance failed, for people. */
export const toFault = (thrown: unknown, step: string): Fault =>
  thrown instanceof EcomputeError
    ? {
        code: thrown.code,
        message: formatErrorChain(thrown),
        step,
        hint: thrown.hint ?? null,
        retryable: thrown.retryable,
      }
    : {
        code: 'ECOMPUTE_INTERNAL',
        message: formatErrorChain(thrown),
        step,
        hint: 'see the log of ecompute on this host',
        retryable: true,
      };

const AWAY: readonly string[] = [
  'ECOMPUTE_ETCD_COMPACTED',
  'ECOMPUTE_ETCD_REFUSED',
  'ECOMPUTE_ETCD_REPLY_TOO_LARGE',
  'ECOMPUTE_ETCD_CHANGED',
  'ECOMPUTE_ETCD_UNREACHABLE',
  'ECOMPUTE_INSTANCE_CHANGED',
  'ECOMPUTE_LIBVIRT_CHANGED',
  'ECOMPUTE_LIBVIRT_UNREACHABLE',
  'ECOMPUTE_STATE_DIR_UNUSABLE',
];

/** The connection to libvirt broke during a call, or was closed before it; or libvirt does not answer. */
const isConnectionLoss = (error: Error): boolean =>
  error instanceof ReleasedError ||
  error instanceof CallTimeoutError ||
  error instanceof StuckConnectionError ||
  error instanceof TooManyHungCallsError ||
  (error instanceof LibvirtError &&
    (error.domain === 'VIR_FROM_RPC' || error.code === 'VIR_ERR_INVALID_CONN' || error.code === 'VIR_ERR_NO_CONNECT'));

/**
 * True when the failure says nothing about the instance: a server is away or answers nonsense, or the agent stops. Then nothing is undone, and
 * the next activation continues.
 */
export const isElsewhere = (thrown: unknown): boolean => {
  if (isAbort(thrown)) return true;
  for (let error = thrown; error instanceof Error; error = error.cause) {
    // This instance's own step took too long. An unanswered question is a different error.
    if (error instanceof EcomputeError && error.code === 'ECOMPUTE_STEP_TIMED_OUT') return false;
    if (isConnectionLoss(error) || isCapacityTrouble(error)) return true;
    if (error instanceof EcomputeError && AWAY.includes(error.code)) return true;
  }
  return false;
};
