import { NO_ARGS, type ActionKind } from '../kind.js';

/** Its processors stand still; its memory stays where it is. */
export const pause = {
  type: 'action',
  participle: 'paused',
  args: NO_ARGS,
  from: ['active'],
  leadsTo: 'active',
  subject: 'power',
} as const satisfies ActionKind;
