import { UNBUILT, type ActionKind } from '../kind.js';
import { hardArgs } from './stop.js';

export const reboot = {
  type: 'action',
  participle: 'rebooted',
  args: hardArgs,
  from: [...UNBUILT, 'active', 'stopped'],
  leadsTo: 'active',
  subject: 'power',
  replaces: true,
} as const satisfies ActionKind;
