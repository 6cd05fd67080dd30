import type { FastifyRequest } from 'fastify';
import type { Caller } from './caller.js';
import type { Route } from './route.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined when there is no token, or before it has been looked at. */
    caller: Caller | undefined;
  }

  interface FastifyContextConfig {
    readonly isStatusPage?: true;
    readonly streams?: Route['streams'];
  }
}

/** A request that has been dealt with. */
export interface Served {
  readonly requestId: string;
  readonly method: string;
  readonly url: string;
  /** The path with the names of its parts instead of what they are; undefined when there is none such. */
  readonly route: string | undefined;
  readonly address: string;
  /** Undefined when the caller went away before it was answered. */
  readonly answer: { readonly status: number; readonly durationMs: number } | undefined;
  readonly caller: Caller | undefined;
}

export const describeServed = (request: FastifyRequest, answer: Served['answer']): Served => ({
  requestId: request.id,
  method: request.method,
  url: request.url,
  route: request.routeOptions.url,
  address: request.ip,
  answer,
  caller: request.caller,
});
