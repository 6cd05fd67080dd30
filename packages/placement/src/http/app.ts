import { randomUUID } from 'node:crypto';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { PlacementStore } from '../store/placement-store.js';
import './fastify-request.js';
import type { Authenticate } from './caller.js';
import { allowReply, answerPreflight, type CorsConfig } from './cors.js';
import { refuseBrokenRequest } from './broken-request.js';
import { renderError } from './error-reply.js';
import { createHandler } from './handle-request.js';
import { HttpError } from './http-error.js';
import { readMicroversion, VERSION_HEADER } from './microversion.js';
import type { Policy } from './policy/policy.js';
import { groupByPath, type Resource } from './route-table.js';
import type { Route } from './route.js';
import { toHttpError } from './to-http-error.js';

export interface AppConfig {
  readonly authenticate: Authenticate;
  readonly policy: Policy;
  /** Undefined: pages of other origins may not use the API. */
  readonly cors?: CorsConfig;
  /** What stands before each path, such as `/placement`. */
  readonly prefix?: string;
}

export interface AppDeps {
  readonly routes: readonly Route[];
  readonly store: PlacementStore;
  readonly config: AppConfig;
  /** Told of what went wrong here, not of what was refused. */
  readonly onFault?: (error: unknown) => void;
}

/** Bytes of a body. A reshape of a large tree is the largest there is. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Characters of a part of a path. Names of classes and traits may be too long; that is for their routes to say. */
const MAX_PARAM_LENGTH = 8192;

/** The HTTP server of the API. It does not listen yet; whoever made it closes it. */
export const createApp = ({ routes, store, config, onFault }: AppDeps): FastifyInstance => {
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    genReqId: () => `req-${randomUUID()}`,
    clientErrorHandler: refuseBrokenRequest,
    // A path that cannot be decoded leads nowhere.
    frameworkErrors: (_error, request, reply) => {
      sendError(new HttpError(404), request, reply);
    },
    routerOptions: {
      maxParamLength: MAX_PARAM_LENGTH,
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.decorateRequest('version', undefined);
  app.decorateRequest('caller', undefined);

  app.addHook('onRequest', async (request, reply) => {
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
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = toHttpError(error);
    if (problem.status >= 500) onFault?.(error);
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
  return app;
};

/** The root of an API below a prefix is there without a slash at its end, too. */
const pathsOf = ({ path }: Resource, { prefix = '' }: AppConfig): readonly string[] =>
  path === '/' && prefix !== '' ? [prefix, `${prefix}/`] : [prefix + path];

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
