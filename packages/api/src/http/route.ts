import type { Readable } from 'node:stream';
import type { PolicyTarget } from '@etcd-compute/common/policy/check';
import type { z } from 'zod';
import type { Caller } from './caller.js';

/** A request that has been let in: its caller is allowed to, and its body fits its schema. */
export interface ApiRequest<Body = unknown> {
  /** Undefined only where anybody may ask. */
  readonly caller: Caller | undefined;
  /** The parts of the path that are named in the route. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Body;
  /** The bytes that come, of a route that takes them; undefined when they are not called `application/octet-stream`. */
  readonly stream: Readable | undefined;
  /** One value for each name, which is in lower case. */
  readonly header: (name: string) => string | undefined;
  /** Of whoever is at the other end. */
  readonly address: string;
  /** The path with its query, as it was asked for. */
  readonly url: string;
  /** What the answer and the log call the request. */
  readonly requestId: string;
}

export interface ApiReply {
  readonly status: number;
  /** Sent as JSON; none is sent when it is undefined. */
  readonly body?: unknown;
  /** Sent instead of a body, and destroyed when the caller goes away. */
  readonly stream?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Anybody may, without a token. */
export const PUBLIC = 'public';

/** One operation on one resource. */
export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the service's path. Named parts stand as `:id`. */
  readonly path: string;
  /** The rule of the service that decides who may, or `PUBLIC`. */
  readonly rule: string;
  /** What the rule is asked about: whose it is. Of what is not there it tells nothing, or throws HttpError 404. */
  readonly target?: (request: Omit<ApiRequest, 'body'>) => PolicyTarget | Promise<PolicyTarget>;
  /** It takes a stream, or sends one, for as long as bytes flow: the limits of time and size of others are not its. */
  readonly streams?: 'in' | 'out';
  /** What the body must be. Only a route that has this reads one. */
  readonly body?: z.ZodType | ((request: Omit<ApiRequest, 'body'>) => z.ZodType);
  /** The sentence of a route that refuses whatever it is asked: documentation tells it. */
  readonly refusal?: string;
  /** @throws HttpError. */
  readonly handle: (request: ApiRequest) => Promise<ApiReply> | ApiReply;
}

interface RouteWithBody<S extends z.ZodType> extends Omit<Route, 'body' | 'handle'> {
  readonly body: S;
  readonly handle: (request: ApiRequest<z.output<S>>) => Promise<ApiReply> | ApiReply;
}

/** A route whose handler knows what its body is. */
export const withBody = <S extends z.ZodType>(route: RouteWithBody<S>): Route => ({
  ...route,
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has been applied before the route is called
  handle: (request) => route.handle(request as ApiRequest<z.output<S>>),
});

/** A part of the path that the route names. */
export const paramOf = ({ params }: Pick<ApiRequest, 'params'>, name: string): string => {
  const value = params[name];
  if (value === undefined) throw new TypeError(`the route has no part that is called ${name}`);
  return value;
};

/** Who asks, of a route that is not public. */
export const callerOf = ({ caller }: Pick<ApiRequest, 'caller'>): Caller => {
  if (!caller) throw new TypeError('the route is public: nobody needs to say who he is');
  return caller;
};
