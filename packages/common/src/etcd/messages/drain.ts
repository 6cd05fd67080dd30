import { z } from 'zod';
import { providerUuidSchema } from '../../ids.js';

/** What people are told of a drain. */
export const drainNoticeSchema = z.looseObject({ since: z.string(), reason: z.string().nullable() });
export type DrainNotice = z.output<typeof drainNoticeSchema>;

/**
 * The value at `/drains/<host>`: an operator wants the host to take nothing new, until the key is removed. Schedulers write it; the
 * host's agent only reads it.
 */
export const drainSchema = drainNoticeSchema.extend({
  version: z.literal(1),
  host: providerUuidSchema,
  /** What people call the host: it can be found by this while `host remove` has removed the rest. */
  name: z.string(),
});
export type Drain = z.output<typeof drainSchema>;

/** Longer ones make tables unreadable. */
const MAX_REASON = 200;

export const drainReasonSchema = z
  .string()
  .trim()
  .min(1, 'expected some text')
  .max(MAX_REASON, `expected at most ${MAX_REASON} characters`)
  .regex(/^\P{Cc}*$/u, 'expected one line without control characters');
