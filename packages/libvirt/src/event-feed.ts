/**
 * One kind of event of one connection. libvirt takes a callback once per connection and kind, so the first handler
 * registers it, all handlers share it, and it stays until the connection closes.
 */
import { LibvirtError, isGone } from './errors.js';
import type { EventReport } from './ffi/messages.js';
import type { CallbackPointer } from './ffi/pointers.js';
import type { Scope } from './scope.js';

/** Ends with `close()`, which may be repeated, or with its connection. */
export interface Subscription extends AsyncDisposable {
  close(): Promise<void>;
}

export interface EventSource<Event> {
  readonly register: 'domainEventRegister' | 'networkEventRegister';
  readonly deregister: 'domainEventDeregister' | 'networkEventDeregister';
  readonly eventId: number;
  readonly callback: CallbackPointer;
  /** Undefined for a report that this package has no name for. */
  read(report: EventReport): Event | undefined;
}

export class EventFeed<Event> {
  readonly #scope: Scope;
  readonly #source: EventSource<Event>;
  readonly #handlers = new Set<(event: Event) => void>();
  #registered: Promise<void> | undefined;

  constructor(scope: Scope, source: EventSource<Event>) {
    this.#scope = scope;
    this.#source = source;
  }

  /** Every event after this resolves reaches `handler`. */
  async subscribe(handler: (event: Event) => void): Promise<Subscription> {
    const own = (event: Event): void => handler(event); // the same function may subscribe twice
    this.#handlers.add(own);
    try {
      this.#registered ??= this.#register();
      await this.#registered;
    } catch (error) {
      this.#registered = undefined;
      this.#handlers.delete(own);
      throw error;
    }
    const close = async (): Promise<void> => void this.#handlers.delete(own);
    return { close, [Symbol.asyncDispose]: close };
  }

  async #register(): Promise<void> {
    const { runtime, connection, closers } = this.#scope;
    const { register, eventId, callback } = this.#source;
    const token = runtime.events.subscribe((report) => {
      const event = this.#source.read(report);
      if (event !== undefined) for (const handler of this.#handlers) handler(event);
    });
    try {
      const callbackId = await connection.call(register, [eventId, callback, token]);
      closers.add(() => this.#deregister(token, callbackId));
    } catch (error) {
      runtime.events.unsubscribe(token);
      throw error;
    }
  }

  async #deregister(token: number, callbackId: number): Promise<void> {
    this.#handlers.clear();
    this.#scope.runtime.events.unsubscribe(token);
    try {
      await this.#scope.connection.call(this.#source.deregister, [callbackId]);
    } catch (error) {
      // libvirt drops the callback before it tells the daemon; a daemon that is gone cannot be told, and need not be.
      if (!(error instanceof LibvirtError || isGone(error))) throw error;
    }
  }
}
