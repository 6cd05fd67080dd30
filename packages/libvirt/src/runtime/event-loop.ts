import { writeSync } from 'node:fs';
import { MessageChannel, Worker } from 'node:worker_threads';
import { EventLoopFlag } from '../ffi/messages.js';
import type { EventCallbacks, EventLoopCommand, EventLoopMessage, EventReport } from '../ffi/messages.js';

const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 128, stackSizeMb: 4 };
const WAKE = new Uint8Array(new BigUint64Array([1n]).buffer);

export type ReportHandler = (report: EventReport) => void;

/** The event loop thread, seen from the main thread: who gets which report, and who keeps the process alive. */
export class EventLoop {
  readonly callbacks: EventCallbacks;
  readonly #worker: Worker;
  readonly #commands: MessageChannel;
  readonly #flags: Int32Array;
  readonly #wakeFileDescriptor: number;
  readonly #handlers = new Map<number, ReportHandler>();
  #nextToken = 1;
  #holds = 0;

  private constructor(parts: {
    worker: Worker;
    commands: MessageChannel;
    flags: Int32Array;
    callbacks: EventCallbacks;
    wakeFileDescriptor: number;
  }) {
    this.callbacks = parts.callbacks;
    this.#worker = parts.worker;
    this.#commands = parts.commands;
    this.#flags = parts.flags;
    this.#wakeFileDescriptor = parts.wakeFileDescriptor;
    this.#worker.on('message', (message: EventLoopMessage) => {
      if (message.kind !== 'ready') this.#handlers.get(message.token)?.(message);
    });
    this.#worker.unref();
  }

  /** Starts the thread; ready once libvirt's event loop is registered, so that connections may open. */
  static start(): Promise<EventLoop> {
    const commands = new MessageChannel();
    const flags = new Int32Array(new SharedArrayBuffer(4 * EventLoopFlag.COUNT));
    const worker = new Worker(new URL('../ffi/event-loop-thread.js', import.meta.url), {
      name: 'libvirt-events',
      workerData: { commands: commands.port2, flags },
      transferList: [commands.port2],
      resourceLimits: RESOURCE_LIMITS,
      execArgv: [],
    });
    return new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', (message: EventLoopMessage) => {
        worker.off('error', reject);
        if (message.kind === 'ready') resolve(new EventLoop({ worker, commands, flags, ...message }));
        else reject(new Error(`libvirt's event loop began with '${message.kind}' instead of 'ready'`));
      });
    });
  }

  /** Gives a number whose reports go to `handler`, until `unsubscribe`. */
  subscribe(handler: ReportHandler): number {
    const token = this.#nextToken;
    this.#nextToken += 1;
    this.#handlers.set(token, handler);
    return token;
  }

  unsubscribe(token: number): void {
    this.#handlers.delete(token);
  }

  /** Keeps the process alive until `release`. */
  hold(): void {
    this.#holds += 1;
    if (this.#holds === 1) this.#worker.ref();
  }

  release(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.#worker.unref();
  }

  send(command: EventLoopCommand): void {
    this.#commands.port1.postMessage(command);
    writeSync(this.#wakeFileDescriptor, WAKE);
  }

  /** Waits until the events that libvirt has queued by now have reached their handlers. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      const token = this.subscribe(() => {
        this.unsubscribe(token);
        resolve();
      });
      this.send({ kind: 'flush', token });
    });
  }

  /** Stops the loop, blocking the main thread until it has, or the time is over. For the end of the process only. */
  stopAndWait(timeoutMs: number): void {
    this.send({ kind: 'stop' });
    Atomics.wait(this.#flags, EventLoopFlag.HAS_STOPPED, 0, timeoutMs);
  }

  /** Ends the process from the event loop thread. Returns only if that thread does not answer in time. */
  exitProcess(code: number, timeoutMs: number): void {
    this.send({ kind: 'exit-process', code });
    Atomics.wait(this.#flags, EventLoopFlag.HAS_STOPPED, 0, timeoutMs);
  }
}
