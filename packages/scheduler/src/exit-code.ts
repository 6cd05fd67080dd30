import { EcomputeError, isAbort, type ErrorCode } from '@etcd-compute/common/errors';

/** Exit codes of every command. Scripts rely on them. */
export const EXIT_CODES = { done: 0, failed: 1, usage: 2, noHost: 3, timedOut: 4, interrupted: 130 } as const;

/** Those of `eschedule audit`; errors have the same as everywhere. */
export const AUDIT_EXIT_CODES = { nothing: 0, unfixed: 1, found: 3, fixed: 4 } as const;

const BY_ERROR: Partial<Record<ErrorCode, number>> = {
  ECOMPUTE_USAGE: EXIT_CODES.usage,
  ECOMPUTE_CONFIG_INVALID: EXIT_CODES.usage,
  ECOMPUTE_CONFIG_UNREADABLE: EXIT_CODES.usage,
  ECOMPUTE_NO_CANDIDATES: EXIT_CODES.noHost,
  ECOMPUTE_TIMED_OUT: EXIT_CODES.timedOut,
};

export const exitCodeOf = (thrown: unknown): number => {
  if (isAbort(thrown)) return EXIT_CODES.interrupted;
  return (thrown instanceof EcomputeError ? BY_ERROR[thrown.code] : undefined) ?? EXIT_CODES.failed;
};
