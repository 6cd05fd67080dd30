import { writeSync } from 'node:fs';
import { MessageChannel, Worker } from 'node:worker_threads';
import { EventLoopFlag, EventLoopPhase } from '../ffi/messages.js';
import type { EventCallbacks, EventLoopCommand, EventLoopMessage, EventReport } from '../ffi/messages.js';

const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 128, stackSizeMb: 4 };
const WAKE = new BigUint64Array([1n]);

export type ReportHandler = (report: EventReport) => void;

/** The event loop thread, seen from the main thread: who gets which report, and who keeps the process alive. */
export class EventLoop {
  /** Resolves once libvirt's event loop is registered, so that connections may open. */
  readonly ready: Promise<EventCallbacks>;
  readonly #worker: Worker;
  readonly #commands = new MessageChannel();
  readonly #flags = new Int32Array(new SharedArrayBuffer(4 * EventLoopFlag.COUNT));
  readonly #handlers = new Map<number, ReportHandler>();
  #nextToken = 1;
  #holds = 0;

  constructor() {
    const { port2 } = this.#commands;
    this.#worker = new Worker(new URL('../ffi/event-loop-thread.js', import.meta.url), {
      name: 'libvirt-events',
      workerData: { commands: port2, flags: this.#flags },
      transferList: [port2],
      resourceLimits: RESOURCE_LIMITS,
      execArgv: [],
    });
    this.ready = new Promise((resolve, reject) => {
      this.#worker.once('error', reject);
      this.#worker.on('message', (message: EventLoopMessage) => {
        if (message.kind !== 'ready') {
          this.#handlers.get(message.token)?.(message);
          return;
        }
        this.#worker.off('error', reject); // a later one is a defect, and ends the process
        this.#worker.unref();
        resolve(message.callbacks);
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

  /** Only once it is ready. */
  send(command: EventLoopCommand): void {
    this.#commands.port1.postMessage(command);
    writeSync(Atomics.load(this.#flags, EventLoopFlag.WAKE_FILE_DESCRIPTOR), WAKE);
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
    this.#endWith({ kind: 'stop' }, timeoutMs);
  }

  /** Ends the process from the event loop thread. Returns only if that thread does not answer in time. */
  exitProcess(code: number, timeoutMs: number): void {
    this.#endWith({ kind: 'exit-process', code }, timeoutMs);
  }

  #endWith(command: EventLoopCommand, timeoutMs: number): void {
    const started = Atomics.wait(this.#flags, EventLoopFlag.PHASE, EventLoopPhase.STARTING, timeoutMs);
    if (started === 'timed-out') return;
    this.send(command);
    Atomics.wait(this.#flags, EventLoopFlag.PHASE, EventLoopPhase.RUNNING, timeoutMs);
  }
}
