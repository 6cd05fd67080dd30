import { z } from 'zod';
import { UNBUILT, type WishKind } from './kind.js';

/** Pull the plug: do not ask the guest first. */
export const hardArgs = z.object({ hard: z.boolean().default(false) });

export const stop = {
  participle: 'stopped',
  args: hardArgs,
  from: [...UNBUILT, 'active', 'stopped', 'suspended'],
  leadsTo: 'stopped',
  subject: 'power',
} as const satisfies WishKind;
