import type { CallName } from '../ffi/call-table.js';

export interface JobOptions {
  readonly name: CallName;
  readonly args: readonly unknown[];
  readonly signal?: AbortSignal | undefined;
  /** Receives the result of a call that nobody waits for any more, to free what it holds. */
  readonly discard?: ((result: never) => void) | undefined;
  /** Called once the call has really ended, or will never start. */
  readonly onEnd?: (() => void) | undefined;
}

/** One libvirt call, from request to reply. An abort ends the wait; a call that has started still takes effect. */
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

  succeed(value: unknown): void {
    this.#end();
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- `discard` and the reply belong to the same call
    if (this.#isAbandoned) this.#options.discard?.(value as never);
    else this.#resolve(value);
  }

  fail(error: unknown): void {
    this.#end();
    if (error instanceof Error && this.#caller.stack !== undefined) {
      const [, ...frames] = this.#caller.stack.split('\n');
      error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n');
    }
    this.#reject(error);
  }

  /** The call will never start. */
  cancel(): void {
    this.#end();
  }

  #end(): void {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#options.onEnd?.();
  }
}
