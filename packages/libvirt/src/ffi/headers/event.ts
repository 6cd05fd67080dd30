/** libvirt-event.h: https://libvirt.org/html/libvirt-libvirt-event.html */
import { declare } from '../library.js';
import type { CallbackPointer } from '../pointers.js';

export const virEventRegisterDefaultImpl = declare<() => number>('int virEventRegisterDefaultImpl(void)');
export const virEventRunDefaultImpl = declare<() => number>('int virEventRunDefaultImpl(void)');
export const virEventAddTimeout = declare<(frequencyMs: number, cb: CallbackPointer, opaque: null, ff: null) => number>(
  'int virEventAddTimeout(int frequency, void *cb, void *opaque, void *ff)',
);
export const virEventRemoveTimeout = declare<(timer: number) => number>('int virEventRemoveTimeout(int timer)');
export const virEventAddHandle = declare<
  (fd: number, events: number, cb: CallbackPointer, opaque: null, ff: null) => number
>('int virEventAddHandle(int fd, int events, void *cb, void *opaque, void *ff)');
export const virEventRemoveHandle = declare<(watch: number) => number>('int virEventRemoveHandle(int watch)');
