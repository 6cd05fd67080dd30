import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { ENDPOINT_TLS, imageIdentity, parseImagePath } from '@etcd-compute/common/endpoint/protocol';
import { serveContent } from '@etcd-compute/common/endpoint/serve-file';
import { isAbort } from '@etcd-compute/common/errors';
import type { Logger } from '@etcd-compute/common/log';
import type { OpenBlob } from '../blobs/blob-store.js';
import type { ContentKeys } from './content-keys.js';

/** Serves contents to agents and other image servers, by the protocol of `common/endpoint/protocol.ts`. Without a key nobody gets in. */
export interface ContentServer {
  readonly port: number;
  /** Ends what is under way. */
  readonly close: () => Promise<void>;
}

export interface ContentServerDeps {
  readonly listen: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  readonly keys: ContentKeys;
  /** @returns undefined when it is not here. */
  readonly find: (sha256: string) => Promise<OpenBlob | undefined>;
  readonly log: Logger;
}

const HANDSHAKE_MS = 10_000;
const IDLE_MS = 120_000;
const MAX_CONNECTIONS = 1000;

/** @throws when the address or the port is not available. */
export const openContentServer = async ({
  listen,
  port,
  keys,
  find,
  log,
}: ContentServerDeps): Promise<ContentServer> => {
  const closing = new AbortController();
  /** What a connection may fetch. */
  const identities = new WeakMap<object, string>();
  const sockets = new Set<Socket>();

  const server = createServer({
    ...ENDPOINT_TLS,
    // Only the key grants access; resumable TLS sessions would be a second way in.
    secureOptions: constants.SSL_OP_NO_TICKET,
    pskCallback: (socket, identity) => {
      identities.set(socket, identity);
      return keys.find(identity);
    },
    handshakeTimeout: HANDSHAKE_MS,
    headersTimeout: HANDSHAKE_MS,
    requestTimeout: HANDSHAKE_MS,
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = IDLE_MS;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', (err, socket) => {
    log.debug({ err, remoteAddress: socket.remoteAddress }, 'connection for an image refused');
    socket.destroy();
  });
  server.on('clientError', (_err, socket) => socket.destroy());

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const sha256 = request.method === 'GET' ? parseImagePath(request.url ?? '') : undefined;
    if (sha256 === undefined || identities.get(request.socket) !== imageIdentity(sha256))
      return void response.writeHead(403).end();
    await using opened = await find(sha256);
    if (!opened) return void response.writeHead(404).end();
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, closing.signal]);
    const { size } = opened;
    const read = (start: number): Readable => opened.read(start > 0 ? { start, end: size - 1 } : undefined);
    await serveContent(request, response, { size, read, sha256, signal });
  };
  server.on('request', (request, response) => {
    answer(request, response).catch((err: unknown) => {
      if (!isAbort(err) && !response.destroyed) log.error({ err }, 'an image could not be served');
      response.destroy();
    });
  });

  server.listen({ port, ...(listen !== undefined && { host: listen }) });
  await once(server, 'listening');
  server.on('error', (err) => log.warn({ err }, 'the server of images has trouble'));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
