import { z } from 'zod';
import { badReply } from './errors.js';

/** The minor part of a Placement microversion; there is no major version but 1. */
export type Microversion = number;

/**
 * The newest microversion whose replies and rules ours knows; `latest` is never asked for, because 1.38 made a member
 * required and the next one may again.
 * https://docs.openstack.org/placement/latest/placement-api-microversion-history.html
 */
export const NEWEST = 39;
/** The oldest that has consumer generations (1.28), without which allocations are written blindly. */
export const OLDEST = 28;
/** From here on every consumer has a type. */
export const CONSUMER_TYPES = 38;

export const isBelow = (version: Microversion, other: Microversion): boolean => version < other;
export const formatMicroversion = (version: Microversion): string => `1.${version}`;

const notAcceptableSchema = z.object({
  errors: z.array(z.object({ max_version: z.string().regex(/^1\.\d+$/), min_version: z.string() })).min(1),
});

/**
 * @param text the body of a 406 reply, which names the versions that the service knows.
 * @throws EcomputeError ECOMPUTE_PLACEMENT_BAD_REPLY when it does not.
 */
export const negotiate = (text: string, endpoint: string): Microversion => {
  try {
    const [error] = notAcceptableSchema.parse(JSON.parse(text)).errors;
    return Math.min(NEWEST, Number(error?.max_version.slice('1.'.length)));
  } catch (cause) {
    throw badReply({ verb: 'agree on a microversion', endpoint, text, cause });
  }
};
