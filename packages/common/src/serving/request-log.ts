import { EcomputeError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Served } from './http-app.js';

export interface RequestLog<T extends Served> {
  readonly served: (served: T) => void;
  readonly fault: (err: unknown, requestId: string) => void;
}

/** One line for each request, which tells who did what, and one more for each that could not be served. Bodies and tokens are in none. */
export const createRequestLog = <T extends Served>(log: Logger, whoOf: (served: T) => object): RequestLog<T> => ({
  served: (served) => {
    const { requestId, method, url, route, address, answer } = served;
    const request = { requestId, method, url, route, address, ...whoOf(served) };
    if (answer) log.info({ ...request, status: answer.status, durationMs: round(answer.durationMs) }, 'request');
    else log.info(request, 'the caller went away before the answer');
  },
  fault: (err, requestId) => {
    const isForLater = err instanceof EcomputeError && err.retryable;
    log[isForLater ? 'warn' : 'error']({ err, requestId }, 'a request could not be served');
  },
});

const round = (milliseconds: number): number => Math.round(milliseconds * 10) / 10;
