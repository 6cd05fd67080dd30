import type { Served as ServedRequest } from '@etcd-compute/common/serving/http-app';
import type { FastifyRequest } from 'fastify';
import type { Caller } from './caller.js';
import type { Route } from './route.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined when there is no token, or before it has been looked at. */
    caller: Caller | undefined;
  }

  interface FastifyContextConfig {
    readonly streams?: Route['streams'];
  }
}

export interface Served extends ServedRequest {
  readonly caller: Caller | undefined;
}

export const withCaller = (served: ServedRequest, { caller }: FastifyRequest): Served => ({
  ...served,
  url: hideToken(served.url),
  caller,
});

/** As it may be logged: the URL of a console has a token. */
export const hideToken = (url: string): string => {
  const start = url.indexOf('?');
  if (start < 0) return url;
  const query = new URLSearchParams(url.slice(start));
  if (!query.has('token')) return url;
  query.set('token', 'hidden');
  return `${url.slice(0, start)}?${query.toString()}`;
};
