import type { CallName } from '../ffi/call-table.js';

export interface Deadline {
  /** From the beginning of the call on its thread. */
  readonly timeoutMs: number;
  /** Makes the error of a call that has run longer. */
  readonly onMissed: () => Error;
}

export interface JobOptions {
  readonly name: CallName;
  readonly args: readonly unknown[];
  readonly signal?: AbortSignal | undefined;
  readonly deadline?: Deadline | undefined;
  /** Receives the result of a call that nobody waits for any more, to free what it holds. */
  readonly discard?: ((result: never) => void) | undefined;
  /** Called once the call has really ended, or will never start. */
  readonly onEnd?: (() => void) | undefined;
}

/**
 * A process that was frozen finds its timers over before it has heard the replies that wait for it: it listens for so long
 * before it gives a call up.
 */
const LAST_LISTEN_MS = 100;
/** The longest time that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * One libvirt call, from request to reply. An abort or a missed deadline ends the wait; a call that has started still takes
 * effect.
 */
export class Job {
  readonly name: CallName;
  readonly args: readonly unknown[];
  readonly promise: Promise<unknown>;
  #resolve: (value: unknown) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #isAbandoned = false;
  readonly #options: JobOptions;
  readonly #caller: { stack?: string } = {};
  readonly #onAbort: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: JobOptions, onAbandon: (job: Job) => void) {
    this.name = options.name;
    this.args = options.args;
    this.#options = options;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // An error made from a reply has no stack worth reading; the caller's is here.
    Error.captureStackTrace(this.#caller);
    this.#onAbort = () => {
      this.#isAbandoned = true;
      this.#reject(options.signal?.reason);
      onAbandon(this);
    };
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The call begins on its thread; `onMissed` is called when it has run longer than it may. */
  begin(onMissed: () => void): void {
    const { deadline } = this.#options;
    if (deadline === undefined || deadline.timeoutMs > MAX_TIMER_MS) return;
    const giveUp = (): void => {
      onMissed();
      this.#isAbandoned = true;
      this.#reject(this.#atCaller(deadline.onMissed()));
    };
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(giveUp, LAST_LISTEN_MS);
    }, deadline.timeoutMs);
  }

  succeed(value: unknown): void {
    this.#end();
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- `discard` and the reply belong to the same call
    if (this.#isAbandoned) this.#options.discard?.(value as never);
    else this.#resolve(value);
  }

  fail(error: unknown): void {
    this.#end();
    this.#reject(error instanceof Error ? this.#atCaller(error) : error);
  }

  /** The call will never start. */
  cancel(): void {
    this.#end();
  }

  #atCaller(error: Error): Error {
    const [, ...frames] = this.#caller.stack?.split('\n') ?? [];
    if (frames.length > 0) error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n');
    return error;
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#options.onEnd?.();
  }
}
