import type { RefusalCode } from '../engine/refusal.js';

export interface HttpErrorOptions {
  /** What the caller should know beyond what the status says. */
  readonly detail?: string;
  readonly code?: RefusalCode;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A reply with a status of 400 or more. What depends on what is stored is a Refusal instead. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly detail: string;
  readonly code: RefusalCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, { detail = '', code, headers = {}, cause }: HttpErrorOptions = {}) {
    super(detail, { cause });
    this.status = status;
    this.detail = detail;
    this.code = code ?? 'placement.undefined_code';
    this.headers = headers;
  }
}

export const badRequest = (detail: string): HttpError => new HttpError(400, { detail });
