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

/** True for a `LibvirtError` with one of these codes. */
export function isLibvirtError(error: unknown, ...codes: string[]): error is LibvirtError {
  return error instanceof LibvirtError && codes.includes(error.code);
}
