import { EcomputeError, formatErrorChain } from '@etcd-compute/common/errors';
import { Refusal } from '../engine/refusal.js';
import { HttpError } from './http-error.js';

/** What the caller is told of anything that is thrown. */
export const toHttpError = (thrown: unknown): HttpError => {
  if (thrown instanceof HttpError) return thrown;
  if (thrown instanceof Refusal)
    return new HttpError(thrown.status, { detail: thrown.message, code: thrown.code, cause: thrown });
  const status = statusOf(thrown);
  return new HttpError(status, { detail: formatErrorChain(thrown), cause: thrown });
};

/** Fastify's own errors have a status. */
const statusOf = (thrown: unknown): number => {
  if (thrown instanceof EcomputeError && thrown.retryable) return 503;
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return 500;
  return typeof thrown.statusCode === 'number' ? thrown.statusCode : 500;
};
