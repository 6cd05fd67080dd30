import { z } from 'zod';
import { noteDone } from '../engine/ask-server.js';
import { ACCEPTED, serverAction, type ServerAction } from './action.js';
import { nothing } from './power.js';

/** The version from which a reason may be given. */
const REASON = 73;

/** A locked server can be changed by admins alone. */
export const LOCK_ACTIONS: Readonly<Record<string, ServerAction>> = {
  lock: serverAction({
    args: (minor) =>
      minor < REASON
        ? nothing()
        : z.union([z.null(), z.strictObject({ locked_reason: z.string().min(1).max(255).optional() })]),
    run: async ({ servers, target, args }) => {
      const reason = args && 'locked_reason' in args ? String(args['locked_reason']) : null;
      await noteDone(servers, target, { action: 'lock', change: (now) => ({ ...now, locked: { reason } }) });
      return ACCEPTED;
    },
  }),
  unlock: serverAction({
    args: nothing,
    run: async ({ servers, target }) => {
      await noteDone(servers, target, { action: 'unlock', change: (now) => ({ ...now, locked: null }) });
      return ACCEPTED;
    },
  }),
};
