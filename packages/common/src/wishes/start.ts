import { NO_ARGS, UNBUILT, type WishKind } from './kind.js';

/** Let it run: from off, from disk, or from a pause. */
export const start = {
  participle: 'started',
  args: NO_ARGS,
  from: [...UNBUILT, 'active', 'stopped', 'suspended'],
  leadsTo: 'active',
  subject: 'power',
} as const satisfies WishKind;
