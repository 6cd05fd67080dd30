import { once } from 'node:events';
import type { Socket } from 'node:net';
import { withResolvers } from '../async/deadline.js';

/** An address that could not be connected to, with the reason. */
export interface Miss {
  readonly address: string;
  readonly error: Error;
}

export interface RaceOptions<S extends Socket> {
  readonly addresses: readonly string[];
  readonly connect: (address: string) => S;
  /** That a connection is made. */
  readonly event: 'connect' | 'secureConnect';
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

type Outcome<S extends Socket> =
  | { readonly address: string; readonly socket: S }
  | { readonly misses: readonly Miss[] };

/** Tries all addresses at once. @returns the first that is connected, or why each is not. @throws on abort. */
export const firstConnection = async <S extends Socket>(options: RaceOptions<S>): Promise<Outcome<S>> => {
  const { addresses, connect, event, timeoutMs, signal } = options;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const { promise: won, resolve: win } = withResolvers<{ address: string; socket: S }>();
  const sockets: S[] = [];
  const attempts = addresses.map(async (address): Promise<Miss | undefined> => {
    const socket = connect(address);
    sockets.push(socket);
    // A socket that fails later, or loses the race, must not end the process. The winner's user adds its own listener.
    socket.on('error', () => undefined);
    try {
      await once(socket, event, { signal: deadline });
      win({ address, socket });
      return undefined;
    } catch (err) {
      socket.destroy();
      signal.throwIfAborted();
      const error =
        err instanceof Error && !deadline.aborted ? err : new Error(`no answer within ${timeoutMs / 1000} s`);
      return { address, error };
    }
  });
  const lost = Promise.all(attempts).then(async (misses): Promise<Outcome<S>> => {
    const all = misses.filter((miss) => miss !== undefined);
    // With one that won, the other promise is the one to wait for.
    return all.length === addresses.length ? { misses: all } : won;
  });
  const result = await Promise.race([won, lost]);
  for (const socket of sockets) if (!('socket' in result) || socket !== result.socket) socket.destroy();
  return result;
};

/** `10.0.0.5: connect ECONNREFUSED; ...` */
export const describeMisses = (misses: readonly Miss[]): string =>
  misses.map(({ address, error }) => `${address}: ${'code' in error ? String(error.code) : error.message}`).join('; ');
