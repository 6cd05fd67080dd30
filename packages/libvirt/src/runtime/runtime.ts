/**
 * The threads of this process: made by the first connection, kept until the process ends. libvirt's event loop is the
 * process's and cannot be replaced, so this is module state on purpose. Load this package in one thread only.
 *
 * The end of the process. Node joins its worker threads before it exits, and JavaScript callbacks must not be called
 * once their thread is being torn down. So: running calls get CALLS_GRACE_MS to end; then the event loop stops, and
 * Node tears down threads that do nothing. A call that still hangs (a frozen daemon without keepalive) would block the
 * exit for ever: then the event loop thread ends the process with the same exit code, without joining anything.
 */
import { CallPool } from './call-pool.js';
import { EventLoop } from './event-loop.js';

const CALLS_GRACE_MS = 1000;
const EVENT_LOOP_GRACE_MS = 1000;

export interface Runtime {
  readonly calls: CallPool;
  readonly events: EventLoop;
}

let runtime: Promise<Runtime> | undefined;

/** The process's threads, started when first asked for. */
export function startRuntime(): Promise<Runtime> {
  runtime ??= start();
  return runtime;
}

async function start(): Promise<Runtime> {
  try {
    const events = await EventLoop.start();
    const calls = new CallPool();
    process.once('exit', (code) => {
      if (calls.waitUntilQuiet(CALLS_GRACE_MS)) events.stopAndWait(EVENT_LOOP_GRACE_MS);
      else events.exitProcess(code, EVENT_LOOP_GRACE_MS);
    });
    return { calls, events };
  } catch (error) {
    runtime = undefined; // a host that gets its libvirt later can try again
    throw error;
  }
}
