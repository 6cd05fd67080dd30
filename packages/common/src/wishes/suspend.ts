import { NO_ARGS, type WishKind } from './kind.js';

/** Its memory goes to a file on its host, and its processors are free for others. */
export const suspend = {
  participle: 'suspended',
  args: NO_ARGS,
  from: ['active', 'suspended'],
  leadsTo: 'suspended',
  subject: 'power',
} as const satisfies WishKind;
