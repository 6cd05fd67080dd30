import { constants, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { ENDPOINT_TLS, snapshotIdentity, TUNNEL_PROTOCOL } from '@etcd-compute/common/endpoint/protocol';
import { EcomputeError, formatErrorChain, isAbort, type ErrorCode } from '@etcd-compute/common/errors';
import type { InstanceUuid, SessionUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { parseRoute, type Route } from './routes.js';
import { serveConsole } from './serve-console.js';
import { serveSnapshot } from './serve-snapshot.js';
import type { SnapshotFiles } from '../images/snapshots/snapshot-files.js';
import type { EndpointSection } from '../config/endpoint.js';

/**
 * The agent's own server: consoles of this host's guests, and tunnels to them, for those who know the session's key; snapshots, for agents
 * that know the key of one. Without a key a
 * connection ends in the TLS handshake; nothing of ours reads a byte of it.
 */
export interface EndpointServer {
  /** Secret: only in memory and in etcd. */
  readonly key: string;
  /** The port; undefined while it does not listen. */
  readonly port: () => number | undefined;
  /** Repeatable. @throws when the address or the port is not available. */
  listen(): Promise<void>;
  /** Ends every stream. Console logs end cleanly, so that a follower knows to reconnect. */
  close(): Promise<void>;
}

export interface EndpointServerDeps {
  readonly settings: EndpointSection;
  readonly session: SessionUuid;
  readonly consolesDir: string;
  readonly snapshots: SnapshotFiles;
  /** The folder of the cached images. */
  readonly imagesDir: string;
  readonly openTunnel: (target: { instance: InstanceUuid; port: number }) => Promise<Socket>;
  readonly log: Logger;
}

const HANDSHAKE_MS = 10_000;
/** A reader that reads nothing must not delay the agent's end. */
const CLOSE_MS = 1_000;

const STATUS: Partial<Record<ErrorCode, number>> = {
  ECOMPUTE_REQUEST_INVALID: 400,
  ECOMPUTE_ENDPOINT_REFUSED: 403,
  ECOMPUTE_CONSOLE_MISSING: 404,
  ECOMPUTE_SNAPSHOT_UNKNOWN: 404,
  ECOMPUTE_TUNNEL_FAILED: 502,
  ECOMPUTE_ETCD_UNREACHABLE: 503,
};

/** Either side may end first; the other continues until it ends too. If one side is gone, the other ends after its last bytes. */
const joinSockets = async (one: Socket, other: Socket): Promise<void> => {
  const forward = async (from: Socket, to: Socket): Promise<void> => {
    from.on('error', () => undefined); // 'close' follows
    from.pipe(to);
    await new Promise<void>((resolve) => from.once('close', () => resolve()));
    to.destroySoon();
  };
  await Promise.all([forward(one, other), forward(other, one)]);
};

/** @param snapshot whose key the connection was made with; undefined for the session's. @throws ECOMPUTE_ENDPOINT_REFUSED */
const checkMayAsk = (route: Route, snapshot: string | undefined): void => {
  if ((route.what === 'snapshot' ? route.id : undefined) === snapshot) return;
  throw new EcomputeError('ECOMPUTE_ENDPOINT_REFUSED', 'this key does not let anybody in here', {
    hint: 'a snapshot is fetched with its own key, and all else is asked for with that of the session',
  });
};

/** What is told of an error: not its stack, and nothing of what we did not foresee. */
const describe = (err: unknown): { status: number; body: string } => {
  const { code, hint } = err instanceof EcomputeError ? err : { code: 'ECOMPUTE_INTERNAL' as const, hint: undefined };
  const message = err instanceof EcomputeError ? formatErrorChain(err) : 'the agent has a fault: see its log';
  return { status: STATUS[code] ?? 500, body: JSON.stringify({ code, message, hint: hint ?? null }) };
};

export const createEndpointServer = (deps: EndpointServerDeps): EndpointServer => {
  const { settings, session, consolesDir, snapshots, imagesDir, openTunnel, log } = deps;
  const key = randomBytes(32);
  const closing = new AbortController();
  const tunnels = new Set<Socket>();
  /** Connections that may fetch a snapshot, by its id, and nothing else. Others may do all but that. */
  const guests = new WeakMap<object, string>();
  /** All connections, also those that have not got as far as TLS. */
  const sockets = new Set<Socket>();

  const server = createServer({
    ...ENDPOINT_TLS,
    // Only the key grants access; resumable TLS sessions would be a second way in.
    secureOptions: constants.SSL_OP_NO_TICKET,
    pskCallback: (socket, identity) => {
      const snapshot = snapshots.list().find(({ id }) => snapshotIdentity(id) === identity);
      if (snapshot) guests.set(socket, snapshot.id);
      if (snapshot) return Buffer.from(snapshot.key, 'base64');
      return identity === session ? key : null;
    },
    handshakeTimeout: HANDSHAKE_MS,
    headersTimeout: HANDSHAKE_MS,
    requestTimeout: HANDSHAKE_MS,
    maxHeaderSize: 8 * 1024,
  });
  server.maxConnections = settings.connections;
  server.timeout = settings.idle * 1000;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // The kernel detects a reader whose machine is gone.
  server.on('secureConnection', (socket) => socket.setKeepAlive(true, 30_000));
  server.on('tlsClientError', (err, socket) => {
    log.debug({ err, remoteAddress: socket.remoteAddress }, 'connection to the endpoint refused');
    socket.destroy();
  });
  server.on('clientError', (_err, socket) => socket.destroy());

  const complain = (err: unknown): void => {
    if (!(err instanceof EcomputeError)) log.error({ err }, 'request to the endpoint failed');
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const route = parseRoute(request);
      checkMayAsk(route, guests.get(request.socket));
      if (route.what === 'tunnel')
        throw new EcomputeError('ECOMPUTE_REQUEST_INVALID', `request a tunnel with an upgrade to ${TUNNEL_PROTOCOL}`);
      const signal = AbortSignal.any([gone.signal, closing.signal]);
      if (route.what === 'snapshot') {
        await serveSnapshot(request, response, { id: route.id, snapshots, folder: imagesDir, signal });
        return;
      }
      await serveConsole(response, route, { folder: consolesDir, signal });
    } catch (err) {
      if (response.destroyed || isAbort(err)) return void response.destroy();
      complain(err);
      // A cut connection tells the reader that this was not the end.
      if (response.headersSent) return void response.destroy();
      const { status, body } = describe(err);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    }
  };
  server.on('request', (request, response) => void answer(request, response));

  const tunnel = async (request: IncomingMessage, client: Socket, head: Buffer): Promise<void> => {
    const route = parseRoute(request);
    checkMayAsk(route, guests.get(client));
    if (route.what !== 'tunnel' || request.headers.upgrade?.toLowerCase() !== TUNNEL_PROTOCOL)
      throw new EcomputeError('ECOMPUTE_REQUEST_INVALID', `the only supported upgrade is ${TUNNEL_PROTOCOL}`);
    const guest = await openTunnel(route);
    // Its end would not be told again.
    if (client.destroyed) return void guest.destroy();
    // The guest may still answer after the client has ended. Only tunnels are half-open: other connections close with their client.
    client.allowHalfOpen = true;
    for (const socket of [client, guest]) socket.setTimeout(settings.idle * 1000, () => socket.destroy());
    client.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${TUNNEL_PROTOCOL}\r\n\r\n`);
    if (head.length > 0) guest.write(head);
    log.info({ instanceUuid: route.instance, port: route.port, remoteAddress: client.remoteAddress }, 'tunnel opened');
    await joinSockets(client, guest);
    log.info({ instanceUuid: route.instance, port: route.port }, 'tunnel closed');
  };
  server.on('upgrade', (request, socket: Socket, head) => {
    tunnels.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => tunnels.delete(socket));
    tunnel(request, socket, head).catch((err: unknown) => {
      complain(err);
      const { status, body } = describe(err);
      socket.end(
        `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    });
  });

  const port = (): number | undefined => {
    const address = server.listening ? server.address() : null;
    return typeof address === 'object' && address !== null ? address.port : undefined;
  };
  return {
    key: key.toString('base64'),
    port,
    listen: async () => {
      if (server.listening || closing.signal.aborted) return;
      // Without a host, Node listens at all addresses, of both families if there are both.
      server.listen({ port: settings.port, ...(settings.listen !== undefined && { host: settings.listen }) });
      await once(server, 'listening');
      server.on('error', (err) => log.warn({ err }, 'the endpoint has trouble'));
    },
    close: async () => {
      closing.abort();
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of tunnels) socket.destroy();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, CLOSE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
};
