import type { Server } from 'node:https';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { PlacementStore } from '../store/placement-store.js';
import './fastify-request.js';
import type { Authenticate } from './caller.js';
import { allowReply, answerPreflight, type CorsConfig } from '@etcd-compute/common/serving/cors';
import { refuseBrokenRequest } from './broken-request.js';
import { renderError } from './error-reply.js';
import { createHandler } from './handle-request.js';
import { HttpError } from './http-error.js';
import { readMicroversion, VERSION_HEADER } from './microversion.js';
import type { Policy } from './policy/policy.js';
import { groupByPath, type Resource } from './route-table.js';
import type { Route } from './route.js';
import type { Served } from './served.js';
import {
  SERVER_OPTIONS,
  closeConnectionsAtTheEnd,
  serveStatusPages,
  takeBodiesAsText,
  tellServed,
} from '@etcd-compute/common/serving/http-app';
import type { StatusPage } from '@etcd-compute/common/serving/status-page';
import type { TlsFiles } from '@etcd-compute/common/serving/tls-files';
import { toHttpError } from './to-http-error.js';

export interface AppConfig {
  readonly authenticate: Authenticate;
  readonly policy: Policy;
  /** Undefined: pages of other origins may not use the API. */
  readonly cors?: CorsConfig;
  /** What stands before each path, such as `/placement`. */
  readonly prefix?: string;
  /** Serve https. */
  readonly tls?: TlsFiles;
  /** The largest body of a request. */
  readonly maxBodyBytes?: number;
  /** How long a request may take to arrive, and then to be answered: what takes longer is told 503, and goes on. */
  readonly timeoutMs?: number;
}

export interface AppDeps {
  readonly routes: readonly Route[];
  readonly store: PlacementStore;
  readonly config: AppConfig;
  readonly statusPages?: readonly StatusPage[];
  /** Told of what went wrong here, not of what was refused. */
  readonly onFault?: (error: unknown, requestId: string) => void;
  /** Told of each request of the API. */
  readonly onServed?: (served: Served) => void;
}

export type App = FastifyInstance<Server>;

/** A reshape of a large tree is the largest there is. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Characters of a part of a path. Names of classes and traits may be too long; that is for their routes to say. */
const MAX_PARAM_LENGTH = 8192;

/** The HTTP server of the API. It does not listen yet; whoever made it closes it, which waits for the requests that are under way. */
export const createApp = ({ routes, store, config, statusPages = [], onFault, onServed }: AppDeps): App => {
  const { tls, maxBodyBytes = MAX_BODY_BYTES, timeoutMs = 0 } = config;
  const app: App = fastify({
    ...SERVER_OPTIONS,
    // Its type has https only; without certificates it is http.
    https: tls ? { ...tls } : null,
    bodyLimit: maxBodyBytes,
    requestTimeout: timeoutMs,
    handlerTimeout: timeoutMs,
    exposeHeadRoutes: false,
    clientErrorHandler: refuseBrokenRequest,
    // A path that cannot be decoded leads nowhere.
    frameworkErrors: (_error, request, reply) => {
      sendError(new HttpError(404), request, reply);
    },
    routerOptions: {
      maxParamLength: MAX_PARAM_LENGTH,
    },
  });
  takeBodiesAsText(app);
  app.decorateRequest('version', undefined);
  app.decorateRequest('caller', undefined);

  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.isStatusPage) return undefined;
    reply.header('x-openstack-request-id', request.id);
    if (config.cors) {
      if (request.method === 'OPTIONS')
        return reply.headers(answerPreflight(config.cors, request.headers)).code(200).send();
      reply.headers(allowReply(config.cors, request.headers));
    }
    request.caller = config.authenticate(request.headers);
    if (!request.caller && !isRoot(request, config)) throw new HttpError(401);
    readVersion(request, reply);
    requireContentType(request);
    return undefined;
  });
  closeConnectionsAtTheEnd(app);
  if (onServed) tellServed(app, (served, { caller, version }) => onServed({ ...served, caller, version }));
  app.setErrorHandler((error, request, reply) => {
    const problem = isLateBody(error, request) ? new HttpError(408, LATE_BODY) : toHttpError(error);
    if (problem.status >= 500) onFault?.(error, request.id);
    return sendError(problem, request, reply);
  });
  app.setNotFoundHandler(() => {
    throw new HttpError(404);
  });

  const handle = createHandler({ store, policy: config.policy, prefix: config.prefix ?? '' });
  for (const resource of groupByPath(routes))
    for (const url of pathsOf(resource, config))
      app.route({
        method: app.supportedMethods,
        url,
        handler: async (request, reply) => handle(resource, request, reply),
      });
  serveStatusPages(app, statusPages);
  return app;
};

/** The root of an API below a prefix is there without a slash at its end, too. */
const pathsOf = ({ path }: Resource, { prefix = '' }: AppConfig): readonly string[] =>
  path === '/' && prefix !== '' ? [prefix, `${prefix}/`] : [prefix + path];

const LATE_BODY = { detail: 'The body did not arrive in time.', headers: { connection: 'close' } };

/** It was given up before all of it had arrived. */
const isLateBody = (error: unknown, { raw }: FastifyRequest): boolean =>
  !raw.complete && error instanceof Error && 'code' in error && error.code === 'FST_ERR_HANDLER_TIMEOUT';

const isRoot = ({ url }: FastifyRequest, { prefix = '' }: AppConfig): boolean => {
  const [path] = url.split('?', 1);
  return path === `${prefix}/` || (path === prefix && prefix !== '');
};

const readVersion = (request: FastifyRequest, reply: FastifyReply): void => {
  const header = request.headers[VERSION_HEADER];
  const asked = readMicroversion(Array.isArray(header) ? header.join(',') : header);
  reply.header('vary', [reply.getHeader('vary'), VERSION_HEADER].filter(Boolean).join(', '));
  if ('status' in asked) throw new HttpError(asked.status, { detail: asked.detail });
  request.version = asked.version;
  reply.header(VERSION_HEADER, `placement 1.${asked.version}`);
};

const requireContentType = ({ headers }: FastifyRequest): void => {
  if (Number(headers['content-length'] ?? 0) > 0 && !headers['content-type'])
    throw new HttpError(400, { detail: 'content-type header required when content-length > 0' });
};

const sendError = (error: HttpError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const { contentType, body } = renderError(error, {
    method: request.method,
    accept: request.headers.accept,
    contentType: request.headers['content-type'],
    requestId: request.id,
    version: request.version,
  });
  return reply.code(error.status).headers(error.headers).header('content-type', contentType).send(Buffer.from(body));
};
