/**
 * The call threads. There are none at first; the first call starts one, and another starts when a call has waited for
 * GROW_AFTER_MS with every thread busy, up to `maxThreads`. So a program that makes short calls keeps one thread, and
 * one that starts guests in parallel gets as many as it may.
 *
 * A thread whose call misses its deadline counts no longer: another may start in its place. When libvirt returns after all, the
 * thread serves again, or ends where there are enough. A call without a deadline that hangs takes its thread for ever.
 */
import { CallFlag } from '../ffi/messages.js';
import type { CallName, Calls } from '../ffi/call-table.js';
import { trimMemory } from '../ffi/headers/libc.js';
import { CallThread } from './call-thread.js';
import { Job } from './job.js';
import type { JobOptions } from './job.js';
import { threadSettings } from './settings.js';

const GROW_AFTER_MS = 25;

export type CallOptions<Name extends CallName> = Pick<JobOptions, 'signal' | 'onEnd' | 'deadline'> & {
  readonly discard?: ((result: ReturnType<Calls[Name]>) => void) | undefined;
};

export class CallPool {
  readonly #flags = new Int32Array(new SharedArrayBuffer(4 * CallFlag.COUNT));
  readonly #threads = new Set<CallThread>();
  readonly #hung = new Set<CallThread>();
  /** Most recently used last, so that the others grow old and end. */
  readonly #idle: { thread: CallThread; timer: NodeJS.Timeout }[] = [];
  readonly #waiting: Job[] = [];
  #growTimer: NodeJS.Timeout | undefined;

  get threadCount(): number {
    return this.#threads.size;
  }

  /** Threads in a call that has missed its deadline. */
  get hungCount(): number {
    return this.#hung.size;
  }

  /** Runs a call on a thread of its own. Throws `LibvirtError`, or the signal's reason. */
  run<Name extends CallName>(
    name: Name,
    args: Parameters<Calls[Name]>,
    options: CallOptions<Name> = {},
  ): Promise<ReturnType<Calls[Name]>> {
    if (options.signal?.aborted === true) {
      options.onEnd?.();
      return Promise.reject(options.signal.reason);
    }
    const job = new Job({ ...options, name, args }, (abandoned) => this.#forget(abandoned));
    const thread = this.#takeIdle() ?? (this.#threads.size === 0 ? this.#start() : undefined);
    if (thread === undefined) {
      this.#waiting.push(job);
      this.#growLater();
    } else {
      thread.assign(job);
    }
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the reply is what the call returned, cloned
    return job.promise as Promise<ReturnType<Calls[Name]>>;
  }

  /**
   * Lets no further call begin, and blocks the main thread until none runs but those that hang, or the time is over. True when
   * none runs at all. For the end of the process only.
   */
  endQuietly(timeoutMs: number): boolean {
    Atomics.store(this.#flags, CallFlag.IS_ENDING, 1);
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const running = Atomics.load(this.#flags, CallFlag.RUNNING_CALLS);
      const leftMs = deadline - Date.now();
      if (running <= this.#hung.size || leftMs <= 0) return running === 0;
      Atomics.wait(this.#flags, CallFlag.RUNNING_CALLS, running, leftMs);
    }
  }

  #start(): CallThread {
    const thread = new CallThread({
      flags: this.#flags,
      onIdle: (idle) => this.#onIdle(idle),
      onHang: (hung) => this.#onHang(hung),
      onEnd: (ended) => this.#onEnd(ended),
    });
    this.#threads.add(thread);
    return thread;
  }

  #takeIdle(): CallThread | undefined {
    const entry = this.#idle.pop();
    if (entry !== undefined) clearTimeout(entry.timer);
    return entry?.thread;
  }

  #onHang(thread: CallThread): void {
    this.#threads.delete(thread);
    this.#hung.add(thread);
    if (this.#waiting.length > 0) this.#grow();
  }

  #onIdle(thread: CallThread): void {
    if (this.#hung.delete(thread)) {
      if (this.#threads.size >= threadSettings().maxThreads) {
        thread.stop();
        return;
      }
      this.#threads.add(thread);
    }
    const job = this.#waiting.shift();
    if (job !== undefined) {
      thread.assign(job);
      return;
    }
    const timer = setTimeout(() => this.#retire(thread), threadSettings().idleMs);
    timer.unref();
    this.#idle.push({ thread, timer });
  }

  #onEnd(thread: CallThread): void {
    this.#threads.delete(thread);
    this.#hung.delete(thread);
    this.#removeIdle(thread);
    trimMemory();
    if (this.#waiting.length > 0) this.#grow();
  }

  #retire(thread: CallThread): void {
    if (this.#threads.size <= threadSettings().minThreads) return;
    this.#removeIdle(thread);
    this.#threads.delete(thread);
    thread.stop();
  }

  #removeIdle(thread: CallThread): void {
    const index = this.#idle.findIndex((entry) => entry.thread === thread);
    const [entry] = index === -1 ? [] : this.#idle.splice(index, 1);
    clearTimeout(entry?.timer);
  }

  #growLater(): void {
    if (this.#growTimer !== undefined || this.#threads.size >= threadSettings().maxThreads) return;
    this.#growTimer = setTimeout(() => {
      this.#growTimer = undefined;
      if (this.#waiting.length > 0) this.#grow();
    }, GROW_AFTER_MS);
  }

  #grow(): void {
    const job = this.#waiting.shift();
    if (job === undefined) return;
    if (this.#threads.size < Math.max(1, threadSettings().maxThreads)) this.#start().assign(job);
    else this.#waiting.unshift(job);
    if (this.#waiting.length > 0) this.#growLater();
  }

  #forget(job: Job): void {
    const index = this.#waiting.indexOf(job);
    if (index === -1) return;
    this.#waiting.splice(index, 1);
    job.cancel();
  }
}
