/** An HTTP proxy on 127.0.0.1 that understands what it passes on: it can answer in the server's place, wait, and lose replies. */
import { createServer, request as sendRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * `status`: answered here, the server never hears of it · `slow`: passed on later · `reply-lost`: carried out by the server, then
 * the connection is reset. `writesOnly` leaves GET and HEAD alone.
 */
export type HttpFault = { readonly writesOnly?: boolean } & (
  | { readonly kind: 'status'; readonly status: number; readonly body: string }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'reply-lost' }
);

export interface HttpProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly endpoint: string;
  /** From the next request on; undefined ends it. */
  setFault(fault: HttpFault | undefined): void;
  /** Requests that a fault has hit since the start. */
  readonly hits: number;
  stop(): Promise<void>;
}

const READS = ['GET', 'HEAD'];

/** Starts a proxy to `target`, which need not be listening yet: a request that cannot be passed on resets its connection. */
export async function startHttpProxy(target: { readonly host: string; readonly port: number }): Promise<HttpProxy> {
  let current: HttpFault | undefined;
  let hits = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const isRead = READS.includes(request.method ?? '');
    const fault = current?.writesOnly === true && isRead ? undefined : current;
    if (fault) hits += 1;
    const body = await buffer(request);
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, { 'content-type': 'application/json' }).end(fault.body);
      return;
    }
    if (fault?.kind === 'slow') await delay(fault.delayMs);
    const reply = await passOn(target, request, body);
    if (fault?.kind === 'reply-lost') request.socket.resetAndDestroy();
    else response.writeHead(reply.status, reply.headers).end(reply.body);
  };
  // Closing an idle connection can race with the next request on it: a fault that nobody asked for.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    answer(request, response).catch(() => request.socket.resetAndDestroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  };
  return {
    host: '127.0.0.1',
    port,
    endpoint: `http://127.0.0.1:${port}`,
    setFault: (fault) => {
      current = fault;
    },
    get hits() {
      return hits;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface Reply {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

/** A connection for each request: nothing here is to remember what the server was before its restart. */
async function passOn(
  target: { readonly host: string; readonly port: number },
  { method, url, headers }: IncomingMessage,
  body: Buffer,
): Promise<Reply> {
  const { connection: _connection, 'transfer-encoding': _encoding, ...passed } = headers;
  const request = sendRequest({
    host: target.host,
    port: target.port,
    method,
    path: url,
    agent: false,
    headers: { ...passed, 'content-length': body.length },
  });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
    request.end(body);
  });
  const whole = await buffer(response);
  const { connection: _closed, 'transfer-encoding': _chunked, ...kept } = response.headers;
  return {
    status: response.statusCode ?? 502,
    headers: response.statusCode === 204 ? kept : { ...kept, 'content-length': String(whole.length) },
    body: whole,
  };
}
