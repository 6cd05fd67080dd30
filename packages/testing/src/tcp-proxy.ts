/** A TCP proxy, on 127.0.0.1 unless told otherwise, that breaks connections on request: what a bad network does to a client, in one process. */
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { getFreePort } from './free-port.js';

/** Seen from the client: `up` is what it sends. */
export type Direction = 'up' | 'down' | 'both';

export interface TcpProxy extends AsyncDisposable {
  readonly host: string;
  /** 0 on a unix socket. */
  readonly port: number;
  /** `http://host:port` of the proxy. */
  readonly endpoint: string;
  /** Number of connections open now. */
  readonly openConnections: number;
  /** Number of connections accepted since the start. */
  readonly acceptedConnections: number;
  /** Resets every open connection; new ones are still accepted. */
  cutAll(): void;
  /** Holds bytes back without closing anything, for connections that are open and for new ones. */
  stall(direction: Direction): void;
  /** Lets held bytes go on. */
  resume(): void;
  /**
   * The far end of every open connection is gone, and its near end never hears of it: what a machine that lost its power leaves.
   * New connections are as ever; these stay silent until `cutAll`.
   */
  halfOpen(): void;
  /** Where new connections lead from now on. Open ones stay as they are. */
  redirect(to: ProxyTarget): void;
  /** Whether new connections are refused by the kernel, as when nothing listens. Open ones stay. */
  refuse(isRefusing: boolean): Promise<void>;
  stop(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  isHalfOpen: boolean;
}

/** Made for each direction of each connection: gets what arrives, and passes on what is to go on. */
export type ProxyFilter = (direction: 'up' | 'down', pass: (bytes: Buffer) => void) => (bytes: Buffer) => void;

export type ProxyTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Starts a proxy to `target`, which need not be listening yet: a connection that cannot be passed on is reset.
 *
 * @param options.path listens on this unix socket, not on a port.
 * @param options.host the address to listen at, for others than this machine.
 * @param options.filter sees all bytes; for proxies that know what they carry.
 */
export async function startTcpProxy(
  target: ProxyTarget,
  options: { readonly path?: string; readonly host?: string; readonly filter?: ProxyFilter } = {},
): Promise<TcpProxy> {
  const { path, host = '127.0.0.1', filter = (_direction, pass) => pass } = options;
  const pairs = new Set<Pair>();
  let current = target;
  let stalled: Direction | undefined;
  let acceptedConnections = 0;
  const isHeld = (direction: 'up' | 'down'): boolean => stalled === 'both' || stalled === direction;

  const applyStall = (pair: Pair): void => {
    if (isHeld('up')) pair.client.pause();
    else pair.client.resume();
    if (isHeld('down')) pair.server.pause();
    else pair.server.resume();
  };

  const accept = (client: Socket): void => {
    acceptedConnections += 1;
    const server = connect('path' in current ? current : { host: current.host, port: current.port, noDelay: true });
    const pair: Pair = { client, server, isHalfOpen: false };
    pairs.add(pair);
    forward({ from: pair.client, to: pair.server, direction: 'up', isHeld: () => isHeld('up'), filter });
    forward({ from: pair.server, to: pair.client, direction: 'down', isHeld: () => isHeld('down'), filter });
    const end = (): void => {
      pairs.delete(pair);
      reset(pair);
    };
    client.on('error', end).on('close', () => pairs.delete(pair));
    server.on('error', () => pair.isHalfOpen || end()).on('close', () => pair.isHalfOpen || pairs.delete(pair));
    applyStall(pair);
  };

  // Reserved, so that it is still free after refuse().
  const port = path === undefined ? await getFreePort() : 0;
  let listener: Server | undefined = await listen(accept, path ?? { host, port });

  const cutAll = (): void => {
    for (const pair of pairs) reset(pair);
    pairs.clear();
  };
  const close = async (): Promise<void> => {
    const closing = listener;
    listener = undefined;
    // close() waits for open connections to end, but stops listening at once; only the latter is wanted.
    if (closing) closing.close();
    await Promise.resolve();
  };
  const stop = async (): Promise<void> => {
    await close();
    cutAll();
  };
  return {
    host,
    port,
    endpoint: `http://${host}:${port}`,
    get openConnections() {
      return pairs.size;
    },
    get acceptedConnections() {
      return acceptedConnections;
    },
    cutAll,
    stall: (direction) => {
      stalled = direction;
      for (const pair of pairs) applyStall(pair);
    },
    resume: () => {
      stalled = undefined;
      for (const pair of pairs) applyStall(pair);
    },
    halfOpen: () => {
      for (const pair of pairs) makeHalfOpen(pair);
    },
    redirect: (to) => {
      current = to;
    },
    refuse: async (isRefusing) => {
      if (isRefusing) await close();
      else listener ??= await listen(accept, path ?? { host, port });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** @param where a port, or the path of a unix socket. */
async function listen(
  accept: (client: Socket) => void,
  where: { readonly host: string; readonly port: number } | string,
): Promise<Server> {
  return await new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
    server.once('error', reject);
    server.listen(typeof where === 'string' ? { path: where } : where, () => resolve(server));
  });
}

interface Flow {
  readonly from: Socket;
  readonly to: Socket;
  readonly direction: 'up' | 'down';
  readonly isHeld: () => boolean;
  readonly filter: ProxyFilter;
}

/** By hand and not by pipe(), which resumes a paused source by itself as soon as its target drains. */
function forward({ from, to, direction, isHeld, filter }: Flow): void {
  const receive = filter(direction, (bytes) => {
    if (to.writable && !to.write(bytes)) from.pause();
  });
  from.on('data', receive);
  to.on('drain', () => {
    if (!isHeld()) from.resume();
  });
  from.on('end', () => to.end());
}

/** The client's bytes go on being read, and go nowhere. */
function makeHalfOpen(pair: Pair): void {
  pair.isHalfOpen = true;
  pair.client.removeAllListeners('data').removeAllListeners('end').resume();
  pair.server.removeAllListeners('data').removeAllListeners('end').destroy();
}

function reset({ client, server }: Pair): void {
  // Neither a unix socket nor one that is still connecting can be reset.
  for (const socket of [client, server]) {
    if (socket.connecting || socket.remoteAddress === undefined) socket.destroy();
    else socket.resetAndDestroy();
  }
}
