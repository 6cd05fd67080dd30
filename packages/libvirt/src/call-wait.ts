/** How long a caller waits for a libvirt call. */
export interface CallWait {
  /**
   * Ends the wait, not the call: libvirt cannot take a call back. A call that has not started yet is dropped; one
   * that has takes effect on its thread, and an object that it returns is freed.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long the call may run, in milliseconds; default: the connection's `callTimeoutMs`. A call that runs longer throws
   * `CallTimeoutError`, and its connection counts as stuck from then on. Waiting for a turn does not count.
   */
  readonly timeoutMs?: number | undefined;
}
