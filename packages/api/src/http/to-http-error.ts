import { EcomputeError } from '@etcd-compute/common/errors';
import { HttpError } from './http-error.js';

/** What the caller is told of anything that is thrown. What went wrong here is for the log, not for callers. */
export const toHttpError = (thrown: unknown): HttpError => {
  if (thrown instanceof HttpError) return thrown;
  if (thrown instanceof EcomputeError && thrown.retryable)
    return new HttpError(503, 'The service cannot answer at the moment: try again later.', {
      cause: thrown,
      headers: { 'retry-after': '5' },
    });
  const status = statusOf(thrown);
  if (status < 500 && thrown instanceof Error) return new HttpError(status, thrown.message, { cause: thrown });
  if (status === 503) return new HttpError(503, 'The request took too long.', { cause: thrown });
  return new HttpError(500, 'An unexpected error prevented the server from fulfilling your request.', {
    cause: thrown,
  });
};

/** Fastify's own errors have a status. */
const statusOf = (thrown: unknown): number => {
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return 500;
  return typeof thrown.statusCode === 'number' ? thrown.statusCode : 500;
};
