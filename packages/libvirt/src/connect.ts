import type { CallWait } from './call-wait.js';
import { CloseWatch } from './close-watch.js';
import { Connection } from './connection.js';
import { CallTimeoutError, TooManyHungCallsError } from './errors.js';
import type { CallbackPointer, ConnectionPointer } from './ffi/pointers.js';
import { Line } from './line.js';
import { OwnedPointer } from './owned-pointer.js';
import type { CallOptions } from './runtime/call-pool.js';
import { startRuntime } from './runtime/runtime.js';
import type { Runtime } from './runtime/runtime.js';
import { threadSettings } from './runtime/settings.js';
import { Scope, warnUnfreed } from './scope.js';

export type { Connection, NodeInfo } from './connection.js';
export type { CallWait } from './call-wait.js';
export type { CloseReason } from './close-watch.js';
export type { DomainEvent, NetworkEvent } from './domain-names.js';
export type { Subscription } from './event-feed.js';
export type {
  DomainAgentLifecycleEvent,
  DomainLifecycleEvent,
  DomainRebootEvent,
  NetworkLifecycleEvent,
} from './events.js';

export interface ConnectOptions extends CallWait {
  /** Opens for reading only: calls that change anything throw `VIR_ERR_OPERATION_DENIED`. */
  readonly readOnly?: boolean;
  /**
   * Finds a daemon that went silent: after `count` unanswered pings, one every `intervalSeconds`, calls fail and
   * `onClose` hears `keepalive`. Drivers without a daemon ignore it.
   */
  readonly keepAlive?: { readonly intervalSeconds: number; readonly count: number } | null;
  /**
   * How long each call may run, in milliseconds, unless it says so itself (`timeoutMs`); the opening and the closing too. Without
   * it, a call that hangs does so for ever.
   */
  readonly callTimeoutMs?: number | undefined;
}

/**
 * Opens a connection, such as `qemu:///system` or `test:///default`.
 *
 * An open connection keeps the process alive, until `close()`. Calls to a daemon run one at a time on each connection: open several
 * for calls in parallel. Throws `LibvirtError`; `CallTimeoutError` when the daemon does not answer in time, `TooManyHungCallsError` when
 * too many calls hang already (`configureThreads`).
 */
export async function connect(uri: string, options: ConnectOptions = {}): Promise<Connection> {
  const runtime = await startRuntime();
  const { calls, events, callbacks } = runtime;
  if (calls.hungCount >= threadSettings().maxHungThreads) throw new TooManyHungCallsError(uri, calls.hungCount);
  const { signal, readOnly = false, keepAlive = null, callTimeoutMs, timeoutMs = callTimeoutMs } = options;
  const what = `connection '${uri}'`;
  const watch = new CloseWatch();
  const closeCallback = callbacks.connectionClosed;
  const closeToken = events.subscribe((report) => watch.report(report));
  const close = async ({ pointer, hasCloseCallback }: Opened): Promise<void> =>
    closeInTime(
      runtime,
      [pointer, hasCloseCallback ? closeCallback : null],
      deadlineOf('connectionClose', what, timeoutMs),
    );
  try {
    const opened = await calls.run('connectionOpen', [uri, { readOnly, keepAlive, closeCallback, closeToken }], {
      signal,
      deadline: deadlineOf('connectionOpen', what, timeoutMs),
      discard: (tooLate) => void close(tooLate).catch(warnUnfreed),
    });
    events.hold();
    let releaseProcess = (): void => {
      releaseProcess = () => undefined;
      events.release();
    };
    const line = new Line({ isRemote: opened.hasCloseCallback && !IN_PROCESS.test(uri), callTimeoutMs });
    const owned = new OwnedPointer(runtime, {
      pointer: opened.pointer,
      what,
      line,
      free: async () => {
        try {
          await close(opened);
        } finally {
          events.unsubscribe(closeToken);
          releaseProcess();
        }
      },
    });
    line.onBlocked(() => {
      releaseProcess();
      watch.end('stuck');
      if (line.isRemote && keepAlive === null) breakWire(runtime, owned);
    });
    return new Connection(uri, new Scope(runtime, owned, line), watch);
  } catch (error) {
    events.unsubscribe(closeToken);
    throw error;
  }
}

/** The test driver takes a close callback too, as if it had a wire. With a transport in its scheme it is that of a daemon. */
const IN_PROCESS = /^test:\/\/\//;

interface Opened {
  readonly pointer: ConnectionPointer;
  readonly hasCloseCallback: boolean;
}

function deadlineOf(
  call: string,
  what: string,
  timeoutMs: number | undefined,
): CallOptions<'connectionOpen'>['deadline'] {
  return timeoutMs === undefined
    ? undefined
    : { timeoutMs, onMissed: () => new CallTimeoutError({ call, what, timeoutMs }) };
}

/** A daemon that does not hear of the end of a connection finds out by itself. */
async function closeInTime(
  { calls }: Runtime,
  args: [ConnectionPointer, CallbackPointer | null],
  deadline: CallOptions<'connectionClose'>['deadline'],
): Promise<void> {
  try {
    await calls.run('connectionClose', args, { deadline });
  } catch (error) {
    if (!(error instanceof CallTimeoutError)) throw error;
  }
}

/** Makes the call that hangs return, with an error, so that its thread is free again. */
function breakWire({ calls }: Runtime, connection: OwnedPointer<ConnectionPointer>): void {
  const { pointer, giveBack } = connection.keep();
  calls.run('connectionBreak', [pointer]).catch(warnUnfreed).finally(giveBack);
}
