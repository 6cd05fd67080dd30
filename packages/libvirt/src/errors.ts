import { ERROR_CODES, ERROR_DOMAINS, ERROR_LEVELS } from './error-names.js';

/**
 * A libvirt call failed. `message` is libvirt's own.
 * Codes and domains: https://libvirt.org/html/libvirt-virterror.html
 */
export class LibvirtError extends Error {
  /** Name of the code, such as `VIR_ERR_NO_DOMAIN`; `VIR_ERR_<number>` for one newer than this package. */
  readonly code: string;
  readonly codeNumber: number;
  /** The part of libvirt that failed, such as `VIR_FROM_QEMU`. */
  readonly domain: string;
  /** `none`, `warning` or `error`. */
  readonly level: string;
  /** The C function that failed, such as `virDomainCreateWithFlags`. */
  readonly functionName: string;

  constructor(failure: { code: number; domain: number; level: number; message: string; functionName: string }) {
    super(failure.message);
    this.name = 'LibvirtError';
    this.codeNumber = failure.code;
    this.code = ERROR_CODES[failure.code] ?? `VIR_ERR_${failure.code}`;
    this.domain = ERROR_DOMAINS[failure.domain] ?? `VIR_FROM_${failure.domain}`;
    this.level = ERROR_LEVELS[failure.level] ?? String(failure.level);
    this.functionName = failure.functionName;
  }
}

/** An object was used after `free()`, or its connection after `close()`. A mistake of the caller, not of libvirt. */
export class ReleasedError extends Error {
  readonly code = 'LIBVIRT_RELEASED';

  constructor(call: string, what: string) {
    super(`could not call ${call} on ${what}: it has been released`);
    this.name = 'ReleasedError';
  }
}

/**
 * A call ran longer than it may. Nobody knows whether it takes effect; its connection is stuck, and closed for its users.
 * It says nothing about other connections to the same daemon.
 */
export class CallTimeoutError extends Error {
  readonly code = 'LIBVIRT_CALL_TIMEOUT';
  /** The call, such as `domainShutdown`. */
  readonly call: string;
  readonly timeoutMs: number;

  constructor({ call, what, timeoutMs }: { call: string; what: string; timeoutMs: number }) {
    super(`libvirt did not return from ${call} on ${what} within ${timeoutMs / 1000} s`);
    this.name = 'CallTimeoutError';
    this.call = call;
    this.timeoutMs = timeoutMs;
  }
}

/** A call that was never made: another call on its connection hangs (`cause`). It may be repeated on another connection. */
export class StuckConnectionError extends Error {
  readonly code = 'LIBVIRT_STUCK';

  constructor(call: string, cause: Error) {
    super(`could not call ${call}: its connection is stuck`, { cause });
    this.name = 'StuckConnectionError';
  }
}

/** So many calls hang already that no further connection is opened. It may be repeated later. */
export class TooManyHungCallsError extends Error {
  readonly code = 'LIBVIRT_TOO_MANY_HUNG_CALLS';

  constructor(uri: string, count: number) {
    super(`could not connect to ${uri}: ${count} libvirt calls hang already`);
    this.name = 'TooManyHungCallsError';
  }
}

/** The object or its connection is of no use any more; whatever was to be ended there has ended, or cannot be told to. */
export function isGone(error: unknown): boolean {
  return error instanceof ReleasedError || error instanceof StuckConnectionError || error instanceof CallTimeoutError;
}

/** True for a `LibvirtError` with one of these codes. */
export function isLibvirtError(error: unknown, ...codes: string[]): error is LibvirtError {
  return error instanceof LibvirtError && codes.includes(error.code);
}
