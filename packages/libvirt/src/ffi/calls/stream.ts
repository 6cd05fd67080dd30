/** Streams: bulk transfers block here, on a call thread; consoles are read and written by the event loop thread. */
import * as stream from '../headers/stream.js';
import { virStorageVolDownload, virStorageVolUpload } from '../headers/storage.js';
import { virDomainOpenConsole } from '../headers/domain.js';
import { obtain, succeed } from '../failure.js';
import type { ConnectionPointer, DomainPointer, StorageVolumePointer, StreamPointer } from '../pointers.js';

export interface Transfer {
  readonly offset: bigint;
  /** 0 means up to the end. */
  readonly length: bigint;
  readonly flags: number;
}

export function streamNew(connection: ConnectionPointer, flags: number): { pointer: StreamPointer } {
  return { pointer: obtain(stream.virStreamNew, connection, flags) };
}

export function domainOpenConsole(
  domain: DomainPointer,
  deviceName: string | null,
  pointer: StreamPointer,
  flags: number,
): void {
  succeed(virDomainOpenConsole, domain, deviceName, pointer, flags);
}

export function storageVolUpload(volume: StorageVolumePointer, pointer: StreamPointer, transfer: Transfer): void {
  succeed(virStorageVolUpload, volume, pointer, transfer.offset, transfer.length, transfer.flags);
}

export function storageVolDownload(volume: StorageVolumePointer, pointer: StreamPointer, transfer: Transfer): void {
  succeed(virStorageVolDownload, volume, pointer, transfer.offset, transfer.length, transfer.flags);
}

/** Sends all of `data`, blocking. */
export function streamSend(pointer: StreamPointer, data: Uint8Array): void {
  for (let sent = 0; sent < data.byteLength;) {
    const rest = data.subarray(sent);
    sent += succeed(stream.virStreamSend, pointer, rest, rest.byteLength);
  }
}

/** Receives up to `length` bytes, blocking until there are some; none means the end. */
export function streamReceive(pointer: StreamPointer, length: number): Uint8Array {
  const buffer = new Uint8Array(length);
  const received = succeed(stream.virStreamRecv, pointer, buffer, length);
  return buffer.slice(0, received);
}

export function streamFinish(pointer: StreamPointer): void {
  succeed(stream.virStreamFinish, pointer);
}

export function streamAbort(pointer: StreamPointer): void {
  succeed(stream.virStreamAbort, pointer);
}

export function streamFree(pointer: StreamPointer): void {
  succeed(stream.virStreamFree, pointer);
}
