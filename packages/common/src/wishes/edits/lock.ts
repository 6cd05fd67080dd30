import { z } from 'zod';
import { ALIVE, type EditKind } from '../kind.js';

const args = z.object({
  /** Why, for whoever wants to change it. */
  reason: z
    .string()
    .max(200, 'expected at most 200 characters')
    .regex(/^[^\p{Cc}]*$/u, 'expected no control characters')
    .default(''),
});

/** Nothing can be asked of it before it is unlocked. Its guest can still shut itself down. */
export const lock = {
  type: 'edit',
  participle: 'locked',
  args,
  from: [...ALIVE, 'shelved'],
  ignoresLock: true,
  edit: (request, given) => ({ ...request, locked: args.parse(given) }),
} as const satisfies EditKind;
