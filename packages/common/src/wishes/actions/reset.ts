import { NO_ARGS, type ActionKind } from '../kind.js';

/** Presses the reset button: the same QEMU begins anew, and its guest is not asked. */
export const reset = {
  type: 'action',
  participle: 'reset',
  args: NO_ARGS,
  from: ['active'],
  leadsTo: 'active',
  subject: 'power',
} as const satisfies ActionKind;
