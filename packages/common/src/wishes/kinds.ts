import type { z } from 'zod';
import { addDisk } from './actions/add-disk.js';
import { addNic } from './actions/add-nic.js';
import { pause } from './actions/pause.js';
import { reboot } from './actions/reboot.js';
import { rebuild } from './actions/rebuild.js';
import { removeDisk } from './actions/remove-disk.js';
import { removeNic } from './actions/remove-nic.js';
import { reset } from './actions/reset.js';
import { resize } from './actions/resize.js';
import { resume } from './actions/resume.js';
import { shelve } from './actions/shelve.js';
import { snapshot } from './actions/snapshot.js';
import { start } from './actions/start.js';
import { stop } from './actions/stop.js';
import { suspend } from './actions/suspend.js';
import { lock } from './edits/lock.js';
import { rename } from './edits/rename.js';
import { set } from './edits/set.js';
import { unlock } from './edits/unlock.js';
import type { ActionKind, EditKind } from './kind.js';

/** By the name that a stored wish has. */
export const ACTIONS = {
  start,
  stop,
  reboot,
  reset,
  pause,
  suspend,
  resume,
  rebuild,
  resize,
  snapshot,
  'add-disk': addDisk,
  'remove-disk': removeDisk,
  'add-nic': addNic,
  'remove-nic': removeNic,
  shelve,
} as const satisfies Record<string, ActionKind>;

export const EDITS = { rename, set, lock, unlock } as const satisfies Record<string, EditKind>;

/** All that can be asked of an instance. */
export const WISH_KINDS = { ...ACTIONS, ...EDITS } as const;

export type ActionName = keyof typeof ACTIONS;
export type EditName = keyof typeof EDITS;
export type WishName = keyof typeof WISH_KINDS;

export type WishArgs<Name extends WishName> = z.input<(typeof WISH_KINDS)[Name]['args']>;

export const isActionName = (name: string): name is ActionName => Object.hasOwn(ACTIONS, name);
export const isWishName = (name: string): name is WishName => Object.hasOwn(WISH_KINDS, name);
