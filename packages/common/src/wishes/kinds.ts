import type { z } from 'zod';
import type { WishKind } from './kind.js';
import { pause } from './pause.js';
import { reboot } from './reboot.js';
import { resume } from './resume.js';
import { start } from './start.js';
import { stop } from './stop.js';
import { suspend } from './suspend.js';

/** All that can be asked of an instance, by the name that a stored wish has. */
export const WISH_KINDS = { start, stop, reboot, pause, suspend, resume } as const satisfies Record<string, WishKind>;

export type WishName = keyof typeof WISH_KINDS;

export type WishArgs<Name extends WishName> = z.input<(typeof WISH_KINDS)[Name]['args']>;

export const isWishName = (name: string): name is WishName => Object.hasOwn(WISH_KINDS, name);
