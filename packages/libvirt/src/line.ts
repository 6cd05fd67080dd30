/**
 * The wire of one connection to a daemon: one call at a time.
 *
 * libvirt's client lets threads share a connection, and is not to be relied on there (seen with 9.0.0, five calls at once). When keepalive
 * finds the daemon dead, or the daemon hangs up, one call fails, the others may wait for ever, and the close callback may never
 * be called; and what is left of the call that failed lies on a stack that is used again (CVE-2024-4418), so that the process
 * may crash when the daemon comes back. A call alone on its line fails, and is told of, every time. Who wants calls in parallel opens
 * several connections. Drivers inside this process have no wire.
 */
export class Line {
  readonly isRemote: boolean;
  #calls = 0;
  readonly #waiting: { readonly enter: () => void; readonly isGone: () => boolean }[] = [];

  constructor({ isRemote }: { isRemote: boolean }) {
    this.isRemote = isRemote;
  }

  /** Calls on the line, with those that wait for it. */
  get calls(): number {
    return this.#calls;
  }

  /**
   * Waits for the line. @returns what gives it back (once): when the call has really ended, also after its caller has given up.
   * @throws the signal's reason.
   */
  async enter(signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    this.#calls += 1;
    if (this.isRemote && this.#calls > 1) await this.#wait(signal);
    return () => this.#leave();
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#calls -= 1;
        reject(signal?.reason);
      };
      const enter = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push({ enter, isGone: () => signal?.aborted === true });
    });
  }

  #leave(): void {
    this.#calls -= 1;
    let next = this.#waiting.shift();
    while (next?.isGone() === true) next = this.#waiting.shift();
    next?.enter();
  }
}
