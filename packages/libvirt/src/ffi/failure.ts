/**
 * libvirt keeps its last error per thread, so the error is read in the thread that made the call, at once.
 * Reading it later, or elsewhere, gives nothing or another call's error.
 */
import { virGetLastError, virResetLastError } from './headers/error.js';

/** What crosses the thread boundary when a call fails; the caller makes a `LibvirtError` of it. */
export interface CallFailureFields {
  readonly functionName: string;
  readonly code: number;
  readonly domain: number;
  readonly level: number;
  readonly message: string;
}

/** A failed libvirt call, with the error that the same thread left behind. */
export class CallFailure extends Error {
  readonly fields: CallFailureFields;

  constructor(fields: CallFailureFields) {
    super(fields.message);
    this.name = 'CallFailure';
    this.fields = fields;
  }
}

const LEVEL_ERROR = 2;
const CODE_INTERNAL_ERROR = 1;

/** Takes the calling thread's last error, and clears it. */
export function takeLastError(functionName: string): CallFailure {
  const error = virGetLastError();
  virResetLastError();
  return new CallFailure({
    functionName,
    code: error?.code ?? CODE_INTERNAL_ERROR,
    domain: error?.domain ?? 0,
    level: error?.level ?? LEVEL_ERROR,
    message: error?.message ?? `${functionName} failed and left no error`,
  });
}

/** Calls a function that answers -1 when it fails; gives what it answered. */
export function succeed<Args extends unknown[]>(call: (...args: Args) => number, ...args: Args): number {
  const result = call(...args);
  if (result < 0) throw takeLastError(call.name);
  return result;
}

/** Calls a function that answers NULL when it fails; gives what it answered. */
export function obtain<Args extends unknown[], Result>(
  call: (...args: Args) => Result | null,
  ...args: Args
): NonNullable<Result> {
  const result = call(...args);
  if (result === null || result === undefined) throw takeLastError(call.name);
  return result;
}
