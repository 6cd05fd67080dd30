import { NO_ARGS, type ActionKind } from '../kind.js';

/** Its memory goes to a file on its host, and its processors are free for others. */
export const suspend = {
  type: 'action',
  participle: 'suspended',
  args: NO_ARGS,
  from: ['active', 'suspended'],
  leadsTo: 'suspended',
  subject: 'power',
} as const satisfies ActionKind;
