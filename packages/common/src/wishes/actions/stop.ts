import { z } from 'zod';
import { ALIVE, type ActionKind } from '../kind.js';

/** Pull the plug: do not ask the guest first. */
export const hardArgs = z.object({ hard: z.boolean().default(false) });

export const stop = {
  type: 'action',
  participle: 'stopped',
  args: hardArgs,
  from: ALIVE,
  leadsTo: 'stopped',
  subject: 'power',
  replaces: true,
} as const satisfies ActionKind;
