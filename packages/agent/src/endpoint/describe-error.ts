import { EcomputeError, formatErrorChain, type ErrorCode } from '@etcd-compute/common/errors';

const STATUS: Partial<Record<ErrorCode, number>> = {
  ECOMPUTE_REQUEST_INVALID: 400,
  ECOMPUTE_ENDPOINT_REFUSED: 403,
  ECOMPUTE_CONSOLE_MISSING: 404,
  ECOMPUTE_CONSOLE_BUSY: 409,
  ECOMPUTE_CONSOLE_CLOSED: 409,
  ECOMPUTE_SNAPSHOT_UNKNOWN: 404,
  ECOMPUTE_TUNNEL_FAILED: 502,
  ECOMPUTE_ETCD_UNREACHABLE: 503,
};

/** What is told of an error: not its stack, and nothing of what we did not foresee. */
export const describeError = (err: unknown): { status: number; body: string } => {
  const { code, hint } = err instanceof EcomputeError ? err : { code: 'ECOMPUTE_INTERNAL' as const, hint: undefined };
  const message = err instanceof EcomputeError ? formatErrorChain(err) : 'the agent has a fault: see its log';
  return { status: STATUS[code] ?? 500, body: JSON.stringify({ code, message, hint: hint ?? null }) };
};
