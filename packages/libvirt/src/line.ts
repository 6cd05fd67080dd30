/**
 * The wire of one connection to a daemon: one call at a time.
 *
 * libvirt's client lets threads share a connection, and is not to be relied on there (seen with 9.0.0, five calls at once). When keepalive
 * finds the daemon dead, or the daemon hangs up, one call fails, the others may wait for ever, and the close callback may never
 * be called; and what is left of the call that failed lies on a stack that is used again (CVE-2024-4418), so that the process
 * may crash when the daemon comes back. A call alone on its line fails, and is told of, every time. Who wants calls in parallel opens
 * several connections. Drivers inside this process have no wire.
 *
 * A call that misses its deadline blocks its line for good: those that wait for it, and those that come, fail at once, and can be
 * made elsewhere.
 */
import { StuckConnectionError } from './errors.js';

interface Waiting {
  readonly name: string;
  readonly enter: () => void;
  readonly fail: (error: Error) => void;
}

export class Line {
  readonly isRemote: boolean;
  /** How long a call may run that does not say it itself. Undefined: as long as it takes. */
  readonly callTimeoutMs: number | undefined;
  #calls = 0;
  #lastEnteredAt = 0;
  #blockedBy: Error | undefined;
  readonly #waiting = new Set<Waiting>();
  readonly #onBlocked = new Set<() => void>();

  constructor({ isRemote, callTimeoutMs }: { isRemote: boolean; callTimeoutMs: number | undefined }) {
    this.isRemote = isRemote;
    this.callTimeoutMs = callTimeoutMs;
  }

  /** Calls on the line, with those that wait for it. */
  get calls(): number {
    return this.#calls;
  }

  /** For how long the call has been running that began last; 0 when none runs. */
  get busyForMs(): number {
    return this.#calls === 0 ? 0 : performance.now() - this.#lastEnteredAt;
  }

  get isBlocked(): boolean {
    return this.#blockedBy !== undefined;
  }

  /**
   * Waits for the line. @returns what gives it back (once): when the call has really ended, also after its caller has given up.
   * @throws the signal's reason, or StuckConnectionError.
   */
  async enter(name: string, signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#blockedBy) throw new StuckConnectionError(name, this.#blockedBy);
    this.#calls += 1;
    if (this.isRemote && this.#calls > 1) await this.#wait(name, signal);
    if (this.#blockedBy) {
      this.#leave();
      throw new StuckConnectionError(name, this.#blockedBy);
    }
    this.#lastEnteredAt = performance.now();
    return () => this.#leave();
  }

  /** Lets nobody in any more. */
  block(cause: Error): void {
    if (this.#blockedBy) return;
    this.#blockedBy = cause;
    for (const { name, fail } of this.#waiting) fail(new StuckConnectionError(name, cause));
    const listeners = [...this.#onBlocked];
    this.#onBlocked.clear();
    for (const listener of listeners) listener();
  }

  /** Called once, when the line is blocked; at once when it is. @returns what removes the listener. */
  onBlocked(listener: () => void): () => void {
    if (this.isBlocked) listener();
    else this.#onBlocked.add(listener);
    return () => this.#onBlocked.delete(listener);
  }

  async #wait(name: string, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const stopWaiting = (): void => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (error: unknown): void => {
        stopWaiting();
        this.#calls -= 1;
        reject(error);
      };
      const onAbort = (): void => fail(signal?.reason);
      const waiting: Waiting = {
        name,
        fail,
        enter: () => {
          stopWaiting();
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiting);
    });
  }

  #leave(): void {
    this.#calls -= 1;
    const [next] = this.#waiting;
    next?.enter();
  }
}
