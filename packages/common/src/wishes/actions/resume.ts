import { NO_ARGS, type ActionKind } from '../kind.js';

/** Let it go on where it was paused or suspended. */
export const resume = {
  type: 'action',
  participle: 'resumed',
  args: NO_ARGS,
  from: ['active', 'suspended'],
  leadsTo: 'active',
  subject: 'power',
} as const satisfies ActionKind;
