import { Refusal, type RefusalCode } from '../../engine/refusal.js';

/** A query that cannot be understood. */
export const badQuery = (message: string, code?: RefusalCode): Refusal => new Refusal('bad-request', message, code);

export const BAD_VALUE: RefusalCode = 'placement.query.bad_value';
