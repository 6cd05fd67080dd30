/** A guest's console as a Node stream, over a non-blocking virStream that the event loop thread reads and writes. */
import { Duplex } from 'node:stream';
import type { CallWait } from './call-wait.js';
import { LibvirtError } from './errors.js';
import type { EventReport } from './ffi/messages.js';
import type { DomainPointer, StreamPointer } from './ffi/pointers.js';
import type { OwnedPointer } from './owned-pointer.js';
import type { Scope } from './scope.js';
import { abortStream, openStream } from './stream.js';

/** VIR_STREAM_NONBLOCK. */
const NONBLOCK = 1;

export interface ConsoleOptions extends CallWait {
  readonly deviceName: string | null;
  readonly flags: number;
}

export async function openConsole(
  scope: Scope,
  domain: OwnedPointer<DomainPointer>,
  options: ConsoleOptions,
): Promise<Duplex> {
  const { deviceName, flags, ...wait } = options;
  const stream = await openStream(scope, NONBLOCK, wait);
  const loan = stream.borrow('domainOpenConsole');
  try {
    await domain.call('domainOpenConsole', [deviceName, loan.pointer, flags], { ...wait, onEnd: loan.giveBack });
    return new ConsoleStream(scope, stream);
  } catch (error) {
    await stream.release();
    throw error;
  }
}

class ConsoleStream extends Duplex {
  readonly #scope: Scope;
  readonly #stream: OwnedPointer<StreamPointer>;
  /** Ours until the event loop thread has let go of the stream. */
  readonly #loan: { readonly pointer: StreamPointer; readonly giveBack: () => void };
  readonly #token: number;
  #onWritten: ((error?: Error) => void) | undefined;
  #onDetached: (() => void) | undefined;
  readonly #close = (): Promise<void> =>
    new Promise((resolve) => {
      this.once('close', resolve);
      this.destroy();
    });

  constructor(scope: Scope, stream: OwnedPointer<StreamPointer>) {
    super({ allowHalfOpen: false }); // a guest that is gone does not read either
    this.#scope = scope;
    this.#stream = stream;
    this.#loan = stream.borrow('streamAttach');
    this.#token = scope.runtime.events.subscribe((report) => this.#onReport(report));
    scope.closers.add(this.#close);
    scope.runtime.events.send({ kind: 'stream-attach', token: this.#token, pointer: this.#loan.pointer });
  }

  override _read(): void {
    this.#scope.runtime.events.send({ kind: 'stream-read', token: this.#token });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#onWritten = callback;
    this.#scope.runtime.events.send({ kind: 'stream-write', token: this.#token, data: chunk });
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    void this.#endThen(error, callback);
  }

  async #endThen(error: Error | null, callback: (error?: Error | null) => void): Promise<void> {
    let outcome = error;
    try {
      await this.#end();
    } catch (failure) {
      outcome ??= failure instanceof Error ? failure : new Error(String(failure));
    }
    callback(outcome);
  }

  #onReport(report: EventReport): void {
    switch (report.kind) {
      case 'stream-data':
        this.push(report.data);
        break;
      case 'stream-end':
        this.push(null);
        break;
      case 'stream-written':
        this.#takeOnWritten()?.();
        break;
      case 'stream-failed':
        this.destroy(new LibvirtError(report.failure));
        break;
      case 'stream-detached':
        this.#onDetached?.();
        break;
      case 'flushed':
      case 'connection-closed':
      case 'domain-lifecycle':
      case 'domain-reboot':
      case 'domain-agent-lifecycle':
      case 'network-lifecycle':
        break; // these go to other tokens
    }
  }

  #takeOnWritten(): ((error?: Error) => void) | undefined {
    const onWritten = this.#onWritten;
    this.#onWritten = undefined;
    return onWritten;
  }

  async #end(): Promise<void> {
    const { events } = this.#scope.runtime;
    const detached = new Promise<void>((resolve) => (this.#onDetached = resolve));
    events.send({ kind: 'stream-detach', token: this.#token });
    await detached;
    events.unsubscribe(this.#token);
    this.#scope.closers.delete(this.#close);
    this.#loan.giveBack();
    await abortStream(this.#stream);
    await this.#stream.release();
  }
}
