import { ALIVE, NO_ARGS, type EditKind } from '../kind.js';

export const unlock = {
  type: 'edit',
  participle: 'unlocked',
  args: NO_ARGS,
  from: [...ALIVE, 'shelved'],
  ignoresLock: true,
  edit: ({ locked: _locked, ...request }) => request,
} as const satisfies EditKind;
