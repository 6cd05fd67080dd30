import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { StatusPage } from './status-page.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly isStatusPage?: true;
  }
}

/** Longer than balancers keep a connection that nobody uses: else they may send a request the moment that it is closed. */
const KEEP_ALIVE_MS = 75_000;

/** Options of Fastify that all our servers have. */
export const SERVER_OPTIONS = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  forceCloseConnections: 'idle',
  return503OnClosing: false,
  genReqId: () => `req-${randomUUID()}`,
} as const;

/** Bodies come as text, whatever they are said to be: routes check them. */
export const takeBodiesAsText = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
};

/** A connection that a request holds open while the server closes is not used for another one, nor one whose request is not whole. */
export const closeConnectionsAtTheEnd = (app: FastifyInstance): void => {
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.addHook('onSend', async (request, reply) => {
    // What is still to come of a request that was answered is not waited for.
    if (isClosing || !request.raw.complete) reply.header('connection', 'close');
  });
};

export const serveStatusPages = (app: FastifyInstance, pages: readonly StatusPage[]): void => {
  for (const { path, render } of pages)
    app.get(path, { config: { isStatusPage: true } }, async (_request, reply) => {
      const { status, contentType, body } = await render();
      return reply.code(status).header('content-type', contentType).send(body);
    });
};

/** A request of the API that has been dealt with. */
export interface Served {
  readonly requestId: string;
  readonly method: string;
  readonly url: string;
  /** The path with the names of its parts instead of what they are; undefined when there is none such. */
  readonly route: string | undefined;
  /** The caller's. */
  readonly address: string;
  /** Undefined when the caller went away before it was answered. */
  readonly answer: { readonly status: number; readonly durationMs: number } | undefined;
}

export const describeServed = (
  { id: requestId, method, url, ip: address, routeOptions }: FastifyRequest,
  answer: Served['answer'],
): Served => ({ requestId, method, url, route: routeOptions.url, address, answer });

export const tellServed = (app: FastifyInstance, onServed: (served: Served, request: FastifyRequest) => void): void => {
  const tell = (request: FastifyRequest, answer: Served['answer']): void => {
    if (!request.routeOptions.config.isStatusPage) onServed(describeServed(request, answer), request);
  };
  app.addHook('onResponse', async (request, reply) =>
    tell(request, { status: reply.statusCode, durationMs: reply.elapsedTime }),
  );
  app.addHook('onRequestAbort', async (request) => tell(request, undefined));
};
