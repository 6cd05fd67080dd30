import * as host from '../headers/host.js';
import { obtain, succeed, takeLastError, CallFailure } from '../failure.js';
import { filled, stored } from '../structs.js';
import type { CallbackPointer, ConnectionPointer } from '../pointers.js';

export interface OpenOptions {
  readonly readOnly: boolean;
  readonly keepAlive: { readonly intervalSeconds: number; readonly count: number } | null;
  /** The event loop's close callback, and the number it is to report. */
  readonly closeCallback: CallbackPointer;
  readonly closeToken: number;
}

export interface OpenedConnection {
  readonly pointer: ConnectionPointer;
  readonly hasCloseCallback: boolean;
}

const CODE_NO_SUPPORT = 3;

/** True unless the driver has no such thing: drivers inside this process (test, embedded) have no wire to watch. */
function isSupported(call: () => number): boolean {
  try {
    succeed(call);
    return true;
  } catch (error) {
    if (error instanceof CallFailure && error.fields.code === CODE_NO_SUPPORT) return false;
    throw error;
  }
}

export function connectionOpen(uri: string, options: OpenOptions): OpenedConnection {
  const pointer = obtain(options.readOnly ? host.virConnectOpenReadOnly : host.virConnectOpen, uri);
  try {
    const hasCloseCallback = isSupported(function virConnectRegisterCloseCallback() {
      return host.virConnectRegisterCloseCallback(pointer, options.closeCallback, BigInt(options.closeToken), null);
    });
    const { keepAlive } = options;
    if (keepAlive !== null) {
      isSupported(function virConnectSetKeepAlive() {
        return host.virConnectSetKeepAlive(pointer, keepAlive.intervalSeconds, keepAlive.count);
      });
    }
    return { pointer, hasCloseCallback };
  } catch (error) {
    host.virConnectClose(pointer);
    throw error;
  }
}

/** Releases our reference. The callback goes first: while it is registered it holds a reference of its own. */
export function connectionClose(pointer: ConnectionPointer, closeCallback: CallbackPointer | null): void {
  if (closeCallback !== null && host.virConnectUnregisterCloseCallback(pointer, closeCallback) < 0) {
    takeLastError('virConnectUnregisterCloseCallback'); // it is gone already: the callback is taken when it fires
  }
  succeed(host.virConnectClose, pointer);
}

/**
 * Closes the wire under a call that hangs, from another thread: without pings, libvirt closes a connection on which nothing has arrived
 * for the interval, and lets the call fail. It does nothing where keepalive is on already, and cannot be taken back.
 */
export function connectionBreak(pointer: ConnectionPointer): void {
  // It fails where there is no wire, and where the wire is closed already: nothing is left to do there.
  if (host.virConnectSetKeepAlive(pointer, 1, 0) < 0) takeLastError('virConnectSetKeepAlive');
}

export function connectionIsAlive(pointer: ConnectionPointer): boolean {
  return succeed(host.virConnectIsAlive, pointer) === 1;
}

export function connectionGetType(pointer: ConnectionPointer): string {
  return obtain(host.virConnectGetType, pointer);
}

export function connectionGetVersion(pointer: ConnectionPointer): number {
  return stored((version) => succeed(host.virConnectGetVersion, pointer, version));
}

export function connectionGetLibVersion(pointer: ConnectionPointer): number {
  return stored((version) => succeed(host.virConnectGetLibVersion, pointer, version));
}

export function connectionGetHostname(pointer: ConnectionPointer): string {
  return obtain(host.virConnectGetHostname, pointer);
}

export function connectionGetCapabilities(pointer: ConnectionPointer): string {
  return obtain(host.virConnectGetCapabilities, pointer);
}

export function nodeGetCPUMap(pointer: ConnectionPointer): number {
  return succeed(host.virNodeGetCPUMap, pointer, null, null, 0);
}

export function nodeGetInfo(pointer: ConnectionPointer): host.VirNodeInfo {
  return filled<host.VirNodeInfo>((info) => succeed(host.virNodeGetInfo, pointer, info));
}
