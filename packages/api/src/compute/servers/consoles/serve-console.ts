import type { AttachConsoleOptions } from '@etcd-compute/cloud/consoles/attach-console';
import { isAbort } from '@etcd-compute/common/errors';
import type { Logger } from '@etcd-compute/common/log';
import type { WebSocket } from 'ws';
import { describeEnd, ENDS, type End } from './describe-end.js';
import { closeSocket, readSocket, writerOf } from './socket-streams.js';

export interface ServeConsoleOptions {
  /** Resolves when the console is given back. */
  readonly attach: (options: Omit<AttachConsoleOptions, 'by' | 'isForced'>) => Promise<void>;
  /** Whether who opened it still may. Asked now and then. */
  readonly isGood: () => boolean;
  /** The server stops. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly heartbeatMs?: number;
}

/** What was said last, to begin with: else there is an empty screen until somebody types. */
const TAIL_LINES = 20;
const ATTACH_MS = 30_000;
/** What was typed before the client closed goes to the guest, unless that takes nothing. */
const FLUSH_MS = 1000;
/** A client that has not answered one ping when the next is due is gone. */
const HEARTBEAT_MS = 30_000;

/**
 * Joins a websocket to the serial console of a server, until either ends. At most one message of the client and one chunk of the guest's are
 * held: who is slow makes the other side wait.
 */
export const serveConsole = async (
  socket: WebSocket,
  { attach, isGood, signal, log, heartbeatMs = HEARTBEAT_MS }: ServeConsoleOptions,
): Promise<void> => {
  const over = new AbortController();
  let end: End | undefined;
  const stop = (why: End): void => {
    end ??= why;
    over.abort();
  };
  const stopForServer = (): void => stop(ENDS.stopping);
  signal.addEventListener('abort', stopForServer, { once: true });
  const input = readSocket(socket);
  socket.once('close', () => setTimeout(() => stop(ENDS.left), FLUSH_MS).unref());
  const deadline = setTimeout(() => stop(ENDS.unreachable), ATTACH_MS);
  const stopBeating = beat(socket, { everyMs: heartbeatMs, check: () => isGood() || stop(ENDS.notAllowed) });
  const startedAt = performance.now();
  let error: unknown;
  try {
    if (signal.aborted) stopForServer();
    await attach({
      input,
      endsWithInput: true,
      tail: TAIL_LINES,
      write: writerOf(socket),
      onAttached: () => {
        clearTimeout(deadline);
        log.info('console opened');
      },
      signal: over.signal,
    });
    end ??= socket.readyState === socket.OPEN ? ENDS.closed : ENDS.left;
  } catch (err) {
    if (!isAbort(err)) error = err;
    end ??= describeEnd(err);
  } finally {
    clearTimeout(deadline);
    stopBeating();
    signal.removeEventListener('abort', stopForServer);
  }
  const durationMs = Math.round(performance.now() - startedAt);
  const told = { code: end.code, reason: end.reason, durationMs };
  if (end.isFault) log.warn({ ...told, err: error }, 'console closed');
  else log.info(told, 'console closed');
  await closeSocket(socket, end);
};

interface Beating {
  readonly everyMs: number;
  readonly check: () => unknown;
}

/** Finds out when a client is gone without a word, and calls `check` each time. @returns ends it. */
const beat = (socket: WebSocket, { everyMs, check }: Beating): (() => void) => {
  let isAlive = true;
  const note = (): void => {
    isAlive = true;
  };
  socket.on('pong', note).on('message', note);
  const timer = setInterval(() => {
    check();
    // While the guest takes nothing, nothing is read of the client, so it cannot answer.
    if (!isAlive && !socket.isPaused) return socket.terminate();
    isAlive = false;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, everyMs);
  return () => clearInterval(timer);
};
