import type { Server } from 'node:https';
import { Readable } from 'node:stream';
import type { PolicyTarget } from '@etcd-compute/common/policy/check';
import { allowReply, answerPreflight, type CorsConfig } from '@etcd-compute/common/serving/cors';
import {
  SERVER_OPTIONS,
  closeConnectionsAtTheEnd,
  serveStatusPages,
  takeBodiesAsText,
  tellServed,
} from '@etcd-compute/common/serving/http-app';
import type { StatusPage } from '@etcd-compute/common/serving/status-page';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Caller } from './caller.js';
import { HttpError } from './http-error.js';
import { readBody } from './read-body.js';
import { PUBLIC, type ApiReply, type ApiRequest, type Route } from './route.js';
import { createRules, type Allows } from './rules.js';
import { withCaller, type Served } from './served.js';
import type { Service } from './service.js';
import { serveSockets } from './sockets.js';
import { toHttpError } from './to-http-error.js';

export interface AppConfig {
  /** Undefined: pages of other origins may not use the API. */
  readonly cors?: CorsConfig;
  /** Serve https: what the files hold. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly maxBodyBytes: number;
  /** How long a request may take to arrive, and then to be answered: what takes longer is told 503, and goes on. */
  readonly timeoutMs: number;
  /** Addresses of proxies that are believed when they tell whom they ask for. */
  readonly trustedProxies?: readonly string[];
}

export interface AppDeps {
  /** The first one answers for paths that are nobody's. */
  readonly services: readonly [Service, ...Service[]];
  readonly config: AppConfig;
  /** Resolves when all that was written before is seen by routes. @returns who asks; undefined when the token is none of ours, or of nobody any more. */
  readonly authenticate: (token: string | undefined) => Promise<Caller | undefined>;
  readonly statusPages?: readonly StatusPage[];
  /** Told of what went wrong here, not of what was refused. */
  readonly onFault?: (error: unknown, requestId: string) => void;
  /** Told of each request of the API. */
  readonly onServed?: (served: Served) => void;
}

export type App = FastifyInstance<Server>;

const MAX_PARAM_LENGTH = 512;
/** What a timer takes at most. */
const LONGEST_MS = 2 ** 31 - 1;

/** The HTTP server of all services. It does not listen yet; whoever made it closes it, which waits for the requests that are under way. */
export const createApp = ({ services, config, authenticate, statusPages = [], onFault, onServed }: AppDeps): App => {
  const { tls, cors, maxBodyBytes, timeoutMs, trustedProxies = [] } = config;
  const app: App = fastify({
    ...SERVER_OPTIONS,
    // Its type has https only; without certificates it is http.
    https: tls ? { ...tls } : null,
    bodyLimit: maxBodyBytes,
    // As long as `handlerTimeout` says, after which the connection is closed; streams take longer.
    requestTimeout: 0,
    handlerTimeout: timeoutMs,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    // A path that cannot be decoded leads nowhere.
    frameworkErrors: (_error, request, reply) => {
      sendError(new HttpError(404, NOWHERE), request, reply);
    },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
  });
  takeBodiesAsText(app);
  app.addContentTypeParser('application/octet-stream', (request, payload, done) => {
    const isWanted = request.routeOptions.config.streams === 'in';
    if (!isWanted) payload.resume();
    done(null, isWanted ? payload : undefined);
  });
  app.decorateRequest('caller', undefined);

  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.isStatusPage) return undefined;
    reply.headers({ 'x-openstack-request-id': request.id, vary: 'X-Auth-Token' });
    if (!cors) return undefined;
    if (request.method === 'OPTIONS') return reply.headers(answerPreflight(cors, request.headers)).code(200).send();
    reply.headers({ ...allowReply(cors, request.headers), vary: 'X-Auth-Token, Origin' });
    return undefined;
  });
  closeConnectionsAtTheEnd(app);
  if (onServed) tellServed(app, (served, request) => onServed(withCaller(served, request)));

  const sendError = (error: HttpError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const service =
      services.find(({ path }) => request.url === path || request.url.startsWith(`${path}/`)) ?? services[0];
    return reply
      .code(error.status)
      .headers({ ...service.headersOfError?.(error), ...error.headers })
      .send(service.renderError(error));
  };
  app.setErrorHandler((error, request, reply) => {
    const problem = toHttpError(error);
    if (problem.status >= 500) onFault?.(error, request.id);
    return sendError(problem, request, reply);
  });
  app.setNotFoundHandler(() => {
    throw new HttpError(404, NOWHERE);
  });

  for (const service of services) {
    const { path, routes, rules, headersOf } = service;
    const { allows, hasRule } = createRules(rules);
    for (const route of routes) {
      if (route.rule !== PUBLIC && !hasRule(route.rule))
        throw new TypeError(`${route.method} ${path}${route.path}: there is no rule ${route.rule}`);
      app.route({
        method: route.method,
        url: path + route.path,
        ...(route.streams && { handlerTimeout: LONGEST_MS, config: { streams: route.streams } }),
        handler: async (request, reply) => {
          const known = toApiRequest(request);
          if (headersOf) addHeaders(reply, headersOf(known));
          if (route.rule !== PUBLIC) await letIn(route, { request, known, service, allows });
          const schema = typeof route.body === 'function' ? route.body(known) : route.body;
          const body = schema && readBody(request.body, schema);
          return send(await route.handle({ ...known, caller: request.caller, body }), reply);
        },
      });
    }
  }
  const sockets = services.flatMap(({ path, sockets: own = [] }) =>
    own.map((one) => ({ ...one, path: path + one.path })),
  );
  if (sockets.length > 0) serveSockets(app, { routes: sockets, toSocketRequest: toApiRequest, onServed, onFault });
  serveStatusPages(app, statusPages);
  return app;

  async function letIn(
    route: Route,
    {
      request,
      known,
      service,
      allows,
    }: { request: FastifyRequest; known: Omit<ApiRequest, 'body'>; service: Service; allows: Allows },
  ): Promise<void> {
    [request.caller] = await Promise.all([authenticate(known.header('x-auth-token')), service.look?.()]);
    if (!request.caller) throw new HttpError(401, 'The request you have made requires authentication.');
    const target: PolicyTarget = (await route.target?.({ ...known, caller: request.caller })) ?? {};
    if (!allows(route.rule, request.caller, target))
      throw new HttpError(403, `You are not authorized to perform the requested action: ${route.rule}.`);
  }
};

const NOWHERE = 'The resource could not be found.';

const toApiRequest = (request: FastifyRequest): Omit<ApiRequest, 'body'> => {
  const start = request.url.indexOf('?');
  return {
    caller: undefined,
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- Fastify's router makes them so
    params: request.params as Readonly<Record<string, string>>,
    query: new URLSearchParams(start < 0 ? '' : request.url.slice(start)),
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    address: request.ip,
    url: request.url,
    requestId: request.id,
    stream: request.body instanceof Readable ? request.body : undefined,
  };
};

const send = ({ status, body, stream, headers = {} }: ApiReply, reply: FastifyReply): FastifyReply => {
  reply.code(status).headers(headers);
  if (stream) return reply.send(stream);
  return body === undefined
    ? reply.send()
    : reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(body)));
};

/** Caches are told all that an answer depends on. */
const addHeaders = (reply: FastifyReply, { vary, ...headers }: Readonly<Record<string, string>>): void => {
  reply.headers(headers);
  if (vary !== undefined) reply.header('vary', [reply.getHeader('vary'), vary].filter(Boolean).join(', '));
};
