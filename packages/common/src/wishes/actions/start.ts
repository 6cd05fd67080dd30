import { ALIVE, NO_ARGS, type ActionKind } from '../kind.js';

/** Let it run: from off, from disk, or from a pause. */
export const start = {
  type: 'action',
  participle: 'started',
  args: NO_ARGS,
  from: ALIVE,
  leadsTo: 'active',
  subject: 'power',
  replaces: true,
} as const satisfies ActionKind;
