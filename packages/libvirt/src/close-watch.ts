import type { EventReport } from './ffi/messages.js';

/** Why a connection ended: by an I/O error, by the daemon, by keepalive, by our own `close()`, or by a call that hangs. */
export type CloseReason = 'error' | 'eof' | 'keepalive' | 'client' | 'stuck';

/** virConnectCloseReason. */
const REASONS: readonly CloseReason[] = ['error', 'eof', 'keepalive', 'client'];

/** Tells its handlers once how the connection ended; a handler that comes later is told at once. */
export class CloseWatch {
  readonly #handlers = new Set<(reason: CloseReason) => void>();
  #reason: CloseReason | undefined;

  get reason(): CloseReason | undefined {
    return this.#reason;
  }

  add(handler: (reason: CloseReason) => void): () => void {
    if (this.#reason === undefined) this.#handlers.add(handler);
    else queueMicrotask(handler.bind(undefined, this.#reason));
    return () => this.#handlers.delete(handler);
  }

  report(report: EventReport): void {
    if (report.kind === 'connection-closed') this.end(REASONS[report.reason] ?? 'error');
  }

  end(reason: CloseReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    for (const handler of this.#handlers) handler(reason);
    this.#handlers.clear();
  }
}
