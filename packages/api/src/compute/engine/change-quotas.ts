import { z } from 'zod';
import { badRequest } from '../../http/http-error.js';
import type { Usage } from '../usage.js';
import { DEFAULT_LIMITS, isSettable, type Limits, type Resource } from './quotas.js';
import { isShown } from './quota-resources.js';

const MAX_LIMIT = 0x7f_ff_ff_ff;
const limit = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^-?\d{1,10}$/, 'expected a number')
      .transform(Number),
  ])
  .pipe(z.int().min(-1).max(MAX_LIMIT))
  .optional();

/** The limits that a request of a version may name; what it may not name is not in there. */
export const limitFields = (minor: number): Readonly<Record<Resource, typeof limit>> => {
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- its members are the resources
  const resources = Object.keys(DEFAULT_LIMITS) as Resource[];
  const shown = resources.filter((resource) => isShown(resource, minor)).map((resource) => [resource, limit]);
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- whether one is in there or not, bodies may be without it
  return Object.fromEntries(shown) as Readonly<Record<Resource, typeof limit>>;
};

export type Wanted = Readonly<Partial<Record<Resource, number | undefined>>>;

/**
 * The limits that are changed.
 *
 * @param usage what may not be more than the limits; undefined when that does not matter. @throws HttpError 400.
 */
export const checkWanted = (
  wanted: Wanted,
  { limits, usage }: { readonly limits: Limits; readonly usage: Usage | undefined },
): Record<string, number> => {
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- its members are resources
  const changes = Object.entries(wanted).filter(([, value]) => value !== undefined) as [Resource, number][];
  for (const [resource, value] of changes) {
    if (!isSettable(resource) && value !== limits[resource])
      throw badRequest(`The limit of ${resource} is ${limits[resource]} here, and cannot be set to ${value}.`);
    const used = usage && resource in usage ? usage[resource as keyof Usage] : 0; // eslint-disable-line typescript/no-unsafe-type-assertion -- it is in there
    if (value >= 0 && value < used)
      throw badRequest(
        `Quota limit ${value} for ${resource} must be greater than or equal to already used and reserved ${used}.`,
      );
  }
  return Object.fromEntries(changes.filter(([resource]) => isSettable(resource)));
};
