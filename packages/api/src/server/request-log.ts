import { EcomputeError } from '@etcd-compute/common/errors';
import type { Logger } from '@etcd-compute/common/log';
import type { Served } from '../http/served.js';

export interface RequestLog {
  readonly served: (served: Served) => void;
  readonly fault: (err: unknown, requestId: string) => void;
}

/** One line for each request, which tells who did what, and one more for each that could not be served. Bodies and tokens are in none. */
export const createRequestLog = (log: Logger): RequestLog => ({
  served: ({ requestId, method, url, route, address, answer, caller }) => {
    const request = {
      requestId,
      method,
      url,
      route,
      address,
      user: caller?.userId,
      project: caller?.projectId,
      roles: caller?.roles,
    };
    if (answer) log.info({ ...request, status: answer.status, durationMs: round(answer.durationMs) }, 'request');
    else log.info(request, 'the caller went away before the answer');
  },
  fault: (err, requestId) => {
    const isForLater = err instanceof EcomputeError && err.retryable;
    log[isForLater ? 'warn' : 'error']({ err, requestId }, 'a request could not be served');
  },
});

const round = (milliseconds: number): number => Math.round(milliseconds * 10) / 10;
