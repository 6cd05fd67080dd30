import { Worker } from 'node:worker_threads';
import { LibvirtError } from '../errors.js';
import { CallFlag } from '../ffi/messages.js';
import type { CallReply, CallThreadCommand } from '../ffi/messages.js';
import type { Job } from './job.js';

/**
 * A call thread's heap holds one request and one reply at a time. V8 would otherwise reserve as for a whole program.
 * The old generation is a bound, not a reservation: it leaves room for the largest XML and stream chunks.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 128, stackSizeMb: 4 };

/** One call thread, seen from the main thread. It keeps the process alive only while it runs a call that somebody waits for. */
export class CallThread {
  readonly #worker: Worker;
  readonly #onHang: () => void;
  #job: Job | undefined;

  constructor(options: {
    flags: Int32Array;
    onIdle: (thread: CallThread) => void;
    /** Its call runs longer than it may. `onIdle` or `onEnd` follow when libvirt returns after all. */
    onHang: (thread: CallThread) => void;
    onEnd: (thread: CallThread) => void;
  }) {
    Atomics.add(options.flags, CallFlag.RUNNING_CALLS, 1); // until it has started
    this.#worker = new Worker(new URL('../ffi/call-thread.js', import.meta.url), {
      name: 'libvirt-call',
      workerData: { flags: options.flags },
      resourceLimits: RESOURCE_LIMITS,
      execArgv: [],
    });
    this.#worker.unref();
    this.#onHang = () => {
      this.#worker.unref();
      options.onHang(this);
    };
    this.#worker.on('message', (reply: CallReply) => {
      this.#settle(reply);
      options.onIdle(this);
    });
    // A thread that dies fails the call it ran; the pool starts another when there is work.
    this.#worker.on('error', (error) => this.#settle({ kind: 'defect', error }));
    this.#worker.on('exit', (code) => {
      this.#settle({ kind: 'defect', error: new Error(`a libvirt call thread ended with code ${code} during a call`) });
      options.onEnd(this);
    });
  }

  get isBusy(): boolean {
    return this.#job !== undefined;
  }

  assign(job: Job): void {
    this.#job = job;
    this.#worker.ref();
    job.begin(this.#onHang);
    this.#send({ kind: 'call', name: job.name, args: job.args });
  }

  /** Ends the thread; only while it is idle. */
  stop(): void {
    this.#send({ kind: 'stop' });
  }

  #send(command: CallThreadCommand): void {
    // eslint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
    this.#worker.postMessage(command);
  }

  #settle(reply: CallReply): void {
    const job = this.#job;
    if (job === undefined) return;
    this.#job = undefined;
    this.#worker.unref();
    if (reply.kind === 'result') job.succeed(reply.value);
    else job.fail(reply.kind === 'failure' ? new LibvirtError(reply.failure) : reply.error);
  }
}
