/**
 * The threads of this process: made by the first connection, kept until the process ends. libvirt's event loop is the
 * process's and cannot be replaced, so this is module state on purpose. Load this package in one thread only.
 *
 * The end of the process. Node joins its worker threads before it exits, and JavaScript callbacks must not be called
 * once their thread is being torn down: koffi aborts the process then. So: running calls, and threads that start, get
 * CALLS_GRACE_MS to end; then the event loop stops, and Node tears down threads that do nothing. A call that hangs would block the exit for
 * ever: then the event loop thread ends the process with the same exit code, without joining anything. Calls that are known to hang are not
 * waited for.
 */
import { CallPool } from './call-pool.js';
import { EventLoop } from './event-loop.js';
import type { EventCallbacks } from '../ffi/messages.js';

const CALLS_GRACE_MS = 2000;
/** The event loop thread never waits for a daemon, so this is for busy machines. */
const EVENT_LOOP_GRACE_MS = 10_000;

export interface Runtime {
  readonly calls: CallPool;
  readonly events: EventLoop;
  readonly callbacks: EventCallbacks;
}

let runtime: Promise<Runtime> | undefined;
let pool: CallPool | undefined;

/** 0 before the first connection. */
export function hungThreads(): number {
  return pool?.hungCount ?? 0;
}

/** In the event loop thread, which has a heap of its own. A call thread's heap holds little, and goes with the thread. */
export async function collectEventGarbage(): Promise<void> {
  const started = await runtime?.catch(() => undefined);
  started?.events.send({ kind: 'collect-garbage' });
}

/** The process's threads, started when first asked for. */
export function startRuntime(): Promise<Runtime> {
  runtime ??= start();
  return runtime;
}

async function start(): Promise<Runtime> {
  const events = new EventLoop();
  const calls = new CallPool();
  pool = calls;
  const onExit = (code: number): void => {
    if (calls.endQuietly(CALLS_GRACE_MS)) events.stopAndWait(EVENT_LOOP_GRACE_MS);
    else events.exitProcess(code, EVENT_LOOP_GRACE_MS);
  };
  process.once('exit', onExit);
  try {
    return { calls, events, callbacks: await events.ready };
  } catch (error) {
    process.off('exit', onExit);
    runtime = undefined; // a host that gets its libvirt later can try again
    throw error;
  }
}
