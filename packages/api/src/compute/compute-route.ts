import type { z } from 'zod';
import type { Caller } from '../http/caller.js';
import { notFound } from '../http/http-error.js';
import { callerOf, type ApiReply, type ApiRequest, type Route } from '../http/route.js';
import { readMinor } from './microversion.js';

export interface ComputeRequest<Body = unknown> extends Omit<ApiRequest<Body>, 'caller'> {
  readonly caller: Caller;
  /** Of the version: 26 of 2.26. */
  readonly minor: number;
}

interface ComputeRoute<S extends z.ZodType> extends Omit<Route, 'body' | 'handle'> {
  /** The first version that has it, and the last one. */
  readonly since?: number;
  readonly until?: number;
  /** One for all versions, or what it is in one. */
  readonly body?: S | ((minor: number) => S);
  readonly handle: (request: ComputeRequest<z.output<S>>) => Promise<ApiReply> | ApiReply;
}

/** A route, with a token and a version. */
export const computeRoute = <S extends z.ZodType = z.ZodType>(route: ComputeRoute<S>): Route => {
  const { since = 1, until = Number.POSITIVE_INFINITY, body, handle, ...rest } = route;
  /** @throws HttpError 404 when there is no such thing in that version. */
  const minorOf = (request: Pick<ApiRequest, 'header' | 'url'>): number => {
    const minor = readMinor(request);
    if (minor < since || minor > until) throw notFound('The resource could not be found in this version of the API.');
    return minor;
  };
  return {
    ...rest,
    ...(body && {
      body: (request) => {
        const minor = minorOf(request);
        return typeof body === 'function' ? body(minor) : body;
      },
    }),
    handle: (request) =>
      handle({
        ...request,
        caller: callerOf(request),
        minor: minorOf(request),
        // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has been applied before the route is called
        body: request.body as z.output<S>,
      }),
  };
};
