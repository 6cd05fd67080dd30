import { UNBUILT, type WishKind } from './kind.js';
import { hardArgs } from './stop.js';

export const reboot = {
  participle: 'rebooted',
  args: hardArgs,
  from: [...UNBUILT, 'active', 'stopped'],
  leadsTo: 'active',
  subject: 'power',
} as const satisfies WishKind;
