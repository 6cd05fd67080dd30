import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { describeServed } from '@etcd-compute/common/serving/http-app';
import type { FastifyRequest } from 'fastify';
import { WebSocketServer } from 'ws';
import type { App } from './app.js';
import { HttpError } from './http-error.js';
import { injectAgain } from './inject-again.js';
import { withCaller, type Served } from './served.js';
import type { SocketRequest, SocketRoute } from './socket-route.js';

export interface SocketsOptions {
  /** With their whole paths. */
  readonly routes: readonly SocketRoute[];
  readonly toSocketRequest: (request: FastifyRequest) => SocketRequest;
  readonly onServed?: ((served: Served) => void) | undefined;
  readonly onFault?: ((error: unknown, requestId: string) => void) | undefined;
}

interface Upgrade {
  readonly socket: Socket;
  readonly head: Buffer;
  readonly response: ServerResponse;
}

/** As much as somebody pastes at once. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/**
 * Serves websockets at some paths of an app. A request for one goes through the app's hooks and is refused like any other, until its route
 * has said yes. Other requests with an `upgrade` header, as some clients send it to each server, are served as if they had none.
 */
export const serveSockets = (app: App, { routes, toSocketRequest, onServed, onFault }: SocketsOptions): void => {
  const upgrades = new WeakMap<IncomingMessage, Upgrade>();
  const closing = new AbortController();
  const open = new Set<Promise<void>>();
  const paths = new Set(routes.map(({ path }) => path));

  app.server.on('upgrade', (raw, stream, head) => {
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- it is one of net or tls, which the types of node:http do not tell
    const socket = stream as Socket;
    const isOurs =
      raw.headers.upgrade?.toLowerCase() === 'websocket' && paths.has((raw.url ?? '').split('?', 1)[0] ?? '');
    if (!isOurs) return injectAgain(app.server, { raw, socket, head });
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(raw);
    response.assignSocket(socket);
    // Of one that is refused.
    response.once('finish', () => socket.destroySoon());
    upgrades.set(raw, { socket, head, response });
    app.routing(raw, response);
  });
  app.addHook('preClose', async () => {
    closing.abort();
    await Promise.all(open);
  });

  for (const { path, protocols, limit, open: letIn } of routes) {
    const sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      handleProtocols: (offered) => protocols.find((one) => offered.has(one)) ?? false,
    });
    let count = 0;
    app.get(path, async (request, reply) => {
      const upgrade = upgrades.get(request.raw);
      if (!upgrade)
        throw new HttpError(426, 'There is a websocket here: ask for an upgrade to it.', {
          headers: { connection: 'upgrade', upgrade: 'websocket' },
        });
      const serve = await letIn(toSocketRequest(request));
      if (closing.signal.aborted || count >= limit)
        throw new HttpError(503, closing.signal.aborted ? STOPPING : TOO_MANY, { headers: { 'retry-after': '5' } });
      const { socket, head, response } = upgrade;
      reply.hijack();
      response.detachSocket(socket);
      // What follows happens at once: the count is right.
      sockets.handleUpgrade(request.raw, socket, head, (websocket) => {
        count += 1;
        const answer = { status: 101, durationMs: reply.elapsedTime };
        onServed?.(withCaller(describeServed(request, answer), request));
        const served = serve(websocket, closing.signal)
          .catch((err: unknown) => {
            websocket.terminate();
            onFault?.(err, request.id);
          })
          .finally(() => {
            count -= 1;
            open.delete(served);
          });
        open.add(served);
      });
      return reply;
    });
  }
};

const STOPPING = 'The server is stopping: connect again.';
const TOO_MANY = 'Too many are open at the moment: try again later.';
