import type { RefusalCode } from '../../engine/refusal.js';
import { HttpError } from '../http-error.js';

/** A query that cannot be understood. */
export const badQuery = (detail: string, code?: RefusalCode): HttpError =>
  new HttpError(400, { detail, ...(code !== undefined && { code }) });

export const BAD_VALUE: RefusalCode = 'placement.query.bad_value';
