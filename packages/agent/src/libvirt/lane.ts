import type { Logger } from '@etcd-compute/common/log';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import pLimit from 'p-limit';

/**
 * Connections for calls that may take long, each lent to one user at a time: so nobody waits behind such a call but those who wait for
 * one of the same kind. They are opened when they are needed, kept for the next, and closed when nobody needs them.
 */
export interface Lane {
  /**
   * @param signal once aborted, it is not lent any more to who still waits.
   * @throws what `use` throws, and LibvirtError when no connection can be opened.
   */
  lend<T>(use: (connection: Connection) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Gives up all connections: the daemon is known to be dead. */
  abandon(cause: Error): void;
}

export interface LaneOptions {
  readonly uri: string;
  /** How many may be lent at a time. */
  readonly size: number;
  /** How long a call may run that does not say it itself. */
  readonly callTimeoutMs: number;
  /** How long opening a connection may take. */
  readonly openTimeoutMs: number;
  readonly log: Logger;
  /** Ends the lane. */
  readonly signal: AbortSignal;
}

/** As long as a storm of starts has short pauses; opening a connection costs some 10 ms. */
const IDLE_MS = 20_000;

export const createLane = (options: LaneOptions): Lane => {
  const { uri, size, callTimeoutMs, openTimeoutMs, log, signal: lifetime } = options;
  const turns = pLimit(size);
  const idle: { readonly connection: Connection; readonly timer: NodeJS.Timeout }[] = [];
  const lent = new Set<Connection>();

  const close = async (connection: Connection): Promise<void> => {
    await connection.close().catch((err: unknown) => log.debug({ err }, 'connection to libvirt not closed well'));
  };
  const closeIdle = (): void => {
    for (const { connection, timer } of idle.splice(0)) {
      clearTimeout(timer);
      void close(connection);
    }
  };
  lifetime.addEventListener('abort', closeIdle, { once: true });

  const take = async (): Promise<Connection> => {
    for (let entry = idle.pop(); entry; entry = idle.pop()) {
      clearTimeout(entry.timer);
      if (!entry.connection.isClosed) return entry.connection;
      void close(entry.connection);
    }
    return connect(uri, { keepAlive: null, callTimeoutMs, timeoutMs: openTimeoutMs, signal: lifetime });
  };
  const keep = (connection: Connection): void => {
    const timer = setTimeout(() => {
      idle.splice(
        idle.findIndex((entry) => entry.connection === connection),
        1,
      );
      void close(connection);
    }, IDLE_MS);
    timer.unref();
    idle.push({ connection, timer });
  };
  /** Of a call whose caller has given up the end is waited for, as the turn is not over before. */
  const takeBack = async (connection: Connection): Promise<void> => {
    const isReusable = !connection.isClosed && connection.callsInFlight === 0 && !lifetime.aborted;
    if (isReusable) keep(connection);
    else await close(connection);
    lent.delete(connection);
  };

  return {
    lend: async (use, signal) =>
      new Promise((resolve, reject) => {
        const run = async (): Promise<void> => {
          lifetime.throwIfAborted();
          signal?.throwIfAborted();
          const connection = await take();
          lent.add(connection);
          try {
            resolve(await use(connection));
          } catch (err) {
            reject(err);
          }
          await takeBack(connection);
        };
        turns(run).catch(reject);
      }),
    abandon: (cause) => {
      closeIdle();
      for (const connection of lent) connection.abandon(cause);
    },
  };
};
