/** libvirt-stream.h: https://libvirt.org/html/libvirt-libvirt-stream.html */
import { declare } from '../library.js';
import type { CallbackPointer, ConnectionPointer, StreamPointer } from '../pointers.js';

export const virStreamNew = declare<(conn: ConnectionPointer, flags: number) => StreamPointer | null>(
  'virStreamPtr virStreamNew(virConnectPtr conn, unsigned int flags)',
);
export const virStreamFree = declare<(stream: StreamPointer) => number>('int virStreamFree(virStreamPtr stream)');
export const virStreamSend = declare<(stream: StreamPointer, data: Uint8Array, nbytes: number) => number>(
  'int virStreamSend(virStreamPtr stream, const void *data, size_t nbytes)',
);
export const virStreamRecv = declare<(stream: StreamPointer, data: Uint8Array, nbytes: number) => number>(
  'int virStreamRecv(virStreamPtr stream, _Out_ void *data, size_t nbytes)',
);
export const virStreamFinish = declare<(stream: StreamPointer) => number>('int virStreamFinish(virStreamPtr stream)');
export const virStreamAbort = declare<(stream: StreamPointer) => number>('int virStreamAbort(virStreamPtr stream)');
export const virStreamEventAddCallback = declare<
  (stream: StreamPointer, events: number, cb: CallbackPointer, opaque: bigint, ff: null) => number
>('int virStreamEventAddCallback(virStreamPtr stream, int events, void *cb, void *opaque, void *ff)');
export const virStreamEventUpdateCallback = declare<(stream: StreamPointer, events: number) => number>(
  'int virStreamEventUpdateCallback(virStreamPtr stream, int events)',
);
export const virStreamEventRemoveCallback = declare<(stream: StreamPointer) => number>(
  'int virStreamEventRemoveCallback(virStreamPtr stream)',
);
