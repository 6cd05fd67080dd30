/**
 * Moves bytes of non-blocking streams (consoles) in the event loop thread.
 *
 * Reading is by request: each `read` gives one chunk, one end or one failure, so a reader that stops asking stops the
 * flow, and libvirt's own window then stops the guest's. Writing holds one chunk at a time, as Node's streams do.
 */
import koffi from 'koffi';
import { CallFailure, succeed, takeLastError } from './failure.js';
import * as header from './headers/stream.js';
import type { EventReport } from './messages.js';
import { asPointer } from './pointers.js';
import type { CallbackPointer, StreamPointer } from './pointers.js';

/** virStreamEventType. */
const READABLE = 1;
const WRITABLE = 2;
/** What a non-blocking virStreamRecv or virStreamSend answers when it would have to wait. */
const WOULD_BLOCK = -2;
const CHUNK_BYTES = 64 * 1024;

interface PumpedStream {
  readonly pointer: StreamPointer;
  isReading: boolean;
  unsent: Uint8Array | undefined;
}

export class StreamPump {
  readonly #report: (report: EventReport) => void;
  readonly #streams = new Map<number, PumpedStream>();
  readonly #buffer = Buffer.alloc(CHUNK_BYTES);
  #callback: CallbackPointer | undefined;

  constructor(report: (report: EventReport) => void) {
    this.#report = report;
  }

  attach(token: number, pointer: StreamPointer): void {
    this.#try(token, () => {
      succeed(header.virStreamEventAddCallback, pointer, 0, this.#registered(), BigInt(token), null);
      this.#streams.set(token, { pointer, isReading: false, unsent: undefined });
    });
  }

  read(token: number): void {
    const stream = this.#streams.get(token);
    if (stream === undefined) return;
    stream.isReading = true;
    this.#move(token, stream);
  }

  write(token: number, data: Uint8Array): void {
    const stream = this.#streams.get(token);
    if (stream === undefined) return;
    stream.unsent = data;
    this.#move(token, stream);
  }

  /** After this, libvirt calls nothing for the stream any more, and it may be freed. */
  detach(token: number): void {
    const stream = this.#streams.get(token);
    this.#streams.delete(token);
    if (stream !== undefined && header.virStreamEventRemoveCallback(stream.pointer) < 0) {
      takeLastError('virStreamEventRemoveCallback'); // the stream failed and took its callback along
    }
    this.#report({ kind: 'stream-detached', token });
  }

  #registered(): CallbackPointer {
    this.#callback ??= asPointer(
      koffi.register(
        (_stream: bigint, _events: number, opaque: bigint | null) => {
          const token = Number(opaque ?? 0n);
          const stream = this.#streams.get(token);
          if (stream !== undefined) this.#move(token, stream);
        },
        koffi.pointer(koffi.proto('void StreamEvent(void *stream, int events, void *opaque)')),
      ),
    );
    return this.#callback;
  }

  /** Moves what can be moved now, and asks to be called for the rest. */
  #move(token: number, stream: PumpedStream): void {
    this.#try(token, () => {
      if (stream.unsent !== undefined) this.#send(token, stream, stream.unsent);
      if (stream.isReading) this.#receive(token, stream);
      const events = (stream.isReading ? READABLE : 0) | (stream.unsent === undefined ? 0 : WRITABLE);
      succeed(header.virStreamEventUpdateCallback, stream.pointer, events);
    });
  }

  #send(token: number, stream: PumpedStream, data: Uint8Array): void {
    const sent = header.virStreamSend(stream.pointer, data, data.byteLength);
    if (sent === WOULD_BLOCK) return;
    if (sent < 0) throw takeLastError(header.virStreamSend.name);
    stream.unsent = sent < data.byteLength ? data.subarray(sent) : undefined;
    if (stream.unsent === undefined) this.#report({ kind: 'stream-written', token });
  }

  #receive(token: number, stream: PumpedStream): void {
    const received = header.virStreamRecv(stream.pointer, this.#buffer, CHUNK_BYTES);
    if (received === WOULD_BLOCK) return;
    if (received < 0) throw takeLastError(header.virStreamRecv.name);
    stream.isReading = false;
    if (received === 0) this.#report({ kind: 'stream-end', token });
    else this.#report({ kind: 'stream-data', token, data: Uint8Array.prototype.slice.call(this.#buffer, 0, received) });
  }

  #try(token: number, body: () => void): void {
    try {
      body();
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      const stream = this.#streams.get(token);
      if (stream !== undefined) {
        stream.isReading = false;
        stream.unsent = undefined;
        if (header.virStreamEventUpdateCallback(stream.pointer, 0) < 0) takeLastError('virStreamEventUpdateCallback');
      }
      this.#report({ kind: 'stream-failed', token, failure: error.fields });
    }
  }
}
