/** A virStream of a connection, and the two things done with it on call threads: sending a volume, and receiving one. */
import type { CallWait } from './call-wait.js';
import { LibvirtError, isGone } from './errors.js';
import type { StorageVolumePointer, StreamPointer } from './ffi/pointers.js';
import type { OwnedPointer } from './owned-pointer.js';
import { orFree, warnUnfreed } from './scope.js';
import type { Scope } from './scope.js';

/** `timeoutMs` is for each message. */
export interface TransferOptions extends CallWait {
  /** Where in the volume to begin, in bytes. */
  readonly offset?: bigint;
  /** How many bytes at most; 0 means up to the end. */
  readonly length?: bigint;
  readonly flags?: number;
}

/** The most that one stream message carries everywhere: VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX. */
const CHUNK_BYTES = 262_120;

export async function openStream(scope: Scope, flags: number, wait: CallWait): Promise<OwnedPointer<StreamPointer>> {
  const { pointer } = await scope.connection.call('streamNew', [flags], orFree(scope, 'streamFree', wait));
  return scope.own(pointer, 'streamFree', 'stream');
}

/** Tells libvirt to give up on a stream. One that failed by itself has nothing left to give up. */
export async function abortStream(stream: OwnedPointer<StreamPointer>): Promise<void> {
  try {
    await stream.call('streamAbort', []);
  } catch (error) {
    if (!(error instanceof LibvirtError || isGone(error))) throw error;
  }
}

async function start(
  name: 'storageVolUpload' | 'storageVolDownload',
  parts: { scope: Scope; volume: OwnedPointer<StorageVolumePointer> },
  options: TransferOptions,
): Promise<OwnedPointer<StreamPointer>> {
  const { offset = 0n, length = 0n, flags = 0, signal, timeoutMs } = options;
  const wait = { signal, timeoutMs };
  const stream = await openStream(parts.scope, 0, wait);
  const loan = stream.borrow(name);
  const transfer = { offset, length, flags };
  try {
    await parts.volume.call(name, [loan.pointer, transfer], { ...wait, onEnd: loan.giveBack });
    return stream;
  } catch (error) {
    void stream.release().catch(warnUnfreed);
    throw error;
  }
}

/** Aborts and frees a stream that was not finished. In the background after an abort: its calls may hang. */
async function giveUp(stream: OwnedPointer<StreamPointer>, signal: AbortSignal | undefined): Promise<void> {
  const end = abortStream(stream).then(() => stream.release());
  if (signal?.aborted === true) void end.catch(warnUnfreed);
  else await end;
}

/** Sends `source` into a volume. What an abort or a failure leaves behind is a volume with part of it. */
export async function upload(
  parts: { scope: Scope; volume: OwnedPointer<StorageVolumePointer> },
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: TransferOptions,
): Promise<void> {
  const { signal, timeoutMs } = options;
  const wait = { signal, timeoutMs };
  const stream = await start('storageVolUpload', parts, options);
  try {
    for await (const data of source) {
      for (let from = 0; from < data.byteLength; from += CHUNK_BYTES) {
        await stream.call('streamSend', [data.subarray(from, from + CHUNK_BYTES)], wait);
      }
    }
    await stream.call('streamFinish', [], wait);
  } catch (error) {
    await giveUp(stream, signal);
    throw error;
  }
  await stream.release();
}

/** Receives a volume in chunks. Leaving the loop early aborts the transfer. */
export async function* download(
  parts: { scope: Scope; volume: OwnedPointer<StorageVolumePointer> },
  options: TransferOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, timeoutMs } = options;
  const wait = { signal, timeoutMs };
  const stream = await start('storageVolDownload', parts, options);
  let isFinished = false;
  try {
    for (;;) {
      const data = await stream.call('streamReceive', [CHUNK_BYTES], wait);
      if (data.byteLength === 0) break;
      yield data;
    }
    await stream.call('streamFinish', [], wait);
    isFinished = true;
  } finally {
    if (isFinished) await stream.release();
    else await giveUp(stream, signal);
  }
}
