import { constants, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import {
  ENDPOINT_TLS,
  INPUT_PROTOCOL,
  snapshotIdentity,
  TUNNEL_PROTOCOL,
} from '@etcd-compute/common/endpoint/protocol';
import { EcomputeError, isAbort } from '@etcd-compute/common/errors';
import type { InstanceUuid, SessionUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { describeError } from './describe-error.js';
import { parseRoute, type Route } from './routes.js';
import { serveConsole } from './serve-console.js';
import { createInputServer, type InputServerDeps } from './serve-input.js';
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
  readonly openInput: InputServerDeps['openInput'];
  readonly openTunnel: (target: { instance: InstanceUuid; port: number }) => Promise<Socket>;
  readonly log: Logger;
}

const HANDSHAKE_MS = 10_000;
/** A reader that reads nothing must not delay the agent's end. */
const CLOSE_MS = 1_000;

type RouteTo<What extends Route['what']> = Extract<Route, { what: What }>;

const UPGRADES = { tunnel: TUNNEL_PROTOCOL, input: INPUT_PROTOCOL } as const;

const wantsUpgrade = (what: keyof typeof UPGRADES): EcomputeError =>
  new EcomputeError('ECOMPUTE_REQUEST_INVALID', `request ${what} with an upgrade to ${UPGRADES[what]}`);

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

export const createEndpointServer = (deps: EndpointServerDeps): EndpointServer => {
  const { settings, session, consolesDir, snapshots, imagesDir, openInput, openTunnel, log } = deps;
  const idleMs = settings.idle * 1000;
  const serveInput = createInputServer({ openInput, idleMs, log });
  const key = randomBytes(32);
  const closing = new AbortController();
  /** Connections that are no HTTP any more. */
  const upgraded = new Set<Socket>();
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
  server.timeout = idleMs;
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
      if (route.what === 'tunnel' || route.what === 'input') throw wantsUpgrade(route.what);
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
      const { status, body } = describeError(err);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    }
  };
  server.on('request', (request, response) => void answer(request, response));

  const tunnel = async (route: RouteTo<'tunnel'>, client: Socket, accept: () => void): Promise<void> => {
    const guest = await openTunnel(route);
    // Its end would not be told again.
    if (client.destroyed) return void guest.destroy();
    for (const socket of [client, guest]) socket.setTimeout(idleMs, () => socket.destroy());
    accept();
    log.info({ instanceUuid: route.instance, port: route.port, remoteAddress: client.remoteAddress }, 'tunnel opened');
    await joinSockets(client, guest);
    log.info({ instanceUuid: route.instance, port: route.port }, 'tunnel closed');
  };

  const upgrade = async (request: IncomingMessage, client: Socket, head: Buffer): Promise<void> => {
    const route = parseRoute(request);
    checkMayAsk(route, guests.get(client));
    if (route.what === 'console' || route.what === 'snapshot')
      throw new EcomputeError('ECOMPUTE_REQUEST_INVALID', `request a ${route.what} without an upgrade`);
    if (request.headers.upgrade?.toLowerCase() !== UPGRADES[route.what]) throw wantsUpgrade(route.what);
    const accept = (): void => {
      // One side may go on after the other has ended. Other connections close with their client.
      client.allowHalfOpen = true;
      client.write(
        `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${UPGRADES[route.what]}\r\n\r\n`,
      );
      if (head.length > 0) client.unshift(head);
    };
    await (route.what === 'tunnel' ? tunnel(route, client, accept) : serveInput(route, client, accept));
  };
  server.on('upgrade', (request, socket: Socket, head) => {
    upgraded.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => upgraded.delete(socket));
    upgrade(request, socket, head).catch((err: unknown) => {
      complain(err);
      const { status, body } = describeError(err);
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
      for (const socket of upgraded) socket.destroy();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, CLOSE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
};
