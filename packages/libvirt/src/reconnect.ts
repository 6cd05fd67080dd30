/**
 * A connection that comes back.
 *
 *   connecting --opened, onUp done--> up --lost (eof, error, keepalive, stuck)--> waiting --backoff--> connecting
 *       \------------ failed, or onUp threw ------------------------------/
 *
 * Nothing survives a loss: handles and subscriptions belong to the connection that is gone, and events between are
 * lost. So `onUp` subscribes and lists everything, each time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from './connect.js';
import type { ConnectOptions } from './connect.js';
import type { Connection } from './connection.js';
import { LibvirtError } from './errors.js';
import { warnUnfreed } from './scope.js';

export interface SuperviseOptions {
  readonly uri: string;
  /** Finds a daemon that went silent. Default: 3 pings, one every 5 s. Null: only a closed socket is noticed. */
  readonly keepAlive?: ConnectOptions['keepAlive'];
  /** How long each call may run, as for `connect`. A call that runs longer costs the connection, and another is opened. */
  readonly callTimeoutMs?: number | undefined;
  /** How long opening a connection may take; default `callTimeoutMs`. */
  readonly connectTimeoutMs?: number | undefined;
  /** Wait before the first new attempt (default 200); it doubles up to the maximum (default 10,000), with jitter. */
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** Called for each new connection; it is up for others when this is done. One that throws is tried again. */
  onUp(connection: Connection): Promise<void> | void;
  /** Called when an open connection is lost, and when attempts begin to fail or fail in a new way. */
  onDown(reason: Error): void;
  readonly signal: AbortSignal;
}

export interface Supervised extends AsyncDisposable {
  /** The open connection. Throws `LibvirtError` with `VIR_ERR_NO_CONNECT` while there is none; the cause says why. */
  get(): Connection;
  /** Waits until a connection is open and `onUp` is done. Throws the signal's reason, also when supervision ends. */
  waitUp(signal: AbortSignal): Promise<Connection>;
}

const DEFAULT_KEEP_ALIVE = { intervalSeconds: 5, count: 3 };
const CODE_NO_CONNECT = 5;

function notConnected(uri: string, cause: unknown): LibvirtError {
  const error = new LibvirtError({
    code: CODE_NO_CONNECT,
    domain: 0,
    level: 2,
    message: `there is no connection to ${uri} at the moment`,
    functionName: 'virConnectOpen',
  });
  error.cause = cause;
  return error;
}

const asError = (value: unknown): Error => (value instanceof Error ? value : new Error(String(value)));

/** Starts to supervise; the first attempt is under way when this returns. */
export function superviseConnection(options: SuperviseOptions): Supervised {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const supervisor = new Supervisor(options, signal);
  const running = supervisor.run();
  const end = async (): Promise<void> => {
    stop.abort(new Error(`the connection to ${options.uri} is no longer supervised`));
    await running;
  };
  return { get: () => supervisor.get(), waitUp: (wait) => supervisor.waitUp(wait), [Symbol.asyncDispose]: end };
}

class Supervisor {
  readonly #options: SuperviseOptions;
  readonly #signal: AbortSignal;
  #connection: Connection | undefined;
  #isUp = false;
  #lastReason: Error | undefined;
  #wakeWaiting: () => void = () => undefined;
  #nextUp: Promise<void>;

  constructor(options: SuperviseOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#nextUp = this.#renewNextUp();
  }

  get(): Connection {
    if (this.#connection === undefined) throw notConnected(this.#options.uri, this.#lastReason);
    return this.#connection;
  }

  async waitUp(signal: AbortSignal): Promise<Connection> {
    const ended = AbortSignal.any([signal, this.#signal]);
    for (;;) {
      ended.throwIfAborted();
      if (this.#isUp && this.#connection !== undefined) return this.#connection;
      await untilAborted(ended, this.#nextUp);
    }
  }

  /** Runs until the signal; never throws. */
  async run(): Promise<void> {
    const { minBackoffMs = 200, maxBackoffMs = 10_000 } = this.#options;
    let backoffMs = minBackoffMs;
    while (!this.#signal.aborted) {
      const wasUp = await this.#attempt();
      if (this.#signal.aborted) break;
      backoffMs = wasUp ? minBackoffMs : Math.min(backoffMs * 2, maxBackoffMs);
      await this.#pause(backoffMs * (0.5 + Math.random() / 2));
    }
  }

  async #pause(durationMs: number): Promise<void> {
    try {
      await sleep(durationMs, undefined, { signal: this.#signal });
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    }
  }

  /** One connection, from opening to losing it. Says whether it was up. */
  async #attempt(): Promise<boolean> {
    const { uri, keepAlive = DEFAULT_KEEP_ALIVE, callTimeoutMs, connectTimeoutMs } = this.#options;
    let connection: Connection | undefined;
    try {
      connection = await connect(uri, {
        keepAlive,
        callTimeoutMs,
        timeoutMs: connectTimeoutMs ?? callTimeoutMs,
        signal: this.#signal,
      });
      this.#connection = connection;
      const lost = lossOf(connection);
      await untilAborted(this.#signal, Promise.race([this.#options.onUp(connection), lost]));
      this.#isUp = true;
      this.#lastReason = undefined;
      this.#wakeWaiting();
      await untilAborted(this.#signal, lost);
      return true;
    } catch (error) {
      const wasUp = this.#isUp;
      this.#goDown(asError(error));
      return wasUp;
    } finally {
      // In the background when lost: a close waits for calls in flight, and those may take their time to fail.
      const closed = connection?.close().catch(warnUnfreed);
      if (this.#signal.aborted) await closed;
    }
  }

  #goDown(reason: Error): void {
    const isNews = this.#isUp || reason.message !== this.#lastReason?.message;
    if (this.#isUp) this.#nextUp = this.#renewNextUp();
    this.#isUp = false;
    this.#connection = undefined;
    this.#lastReason = reason;
    if (isNews && !this.#signal.aborted) this.#options.onDown(reason);
  }

  #renewNextUp(): Promise<void> {
    return new Promise((resolve) => (this.#wakeWaiting = resolve));
  }
}

/** Rejects when the connection is lost. */
function lossOf(connection: Connection): Promise<never> {
  const lost = new Promise<never>((_resolve, reject) => {
    connection.onClose((reason) => reject(new Error(`the connection to ${connection.uri} was lost (${reason})`)));
  });
  lost.catch(() => undefined); // whoever awaits it hears of it; nobody may be waiting yet
  return lost;
}

/** Waits for `promise`, or throws the signal's reason. */
function untilAborted<Result>(signal: AbortSignal, promise: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(asError(signal.reason));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
