import type { CandidatesRequest } from './candidates/request.js';
import type { View } from '../index/view.js';
import type { ProviderFilter } from './provider-filter.js';
import { Refusal } from './refusal.js';
import { isResourceClass } from './resource-classes.js';
import { isTrait } from './traits.js';

/** @throws Refusal for a resource class in a query that there is not. */
export const checkResourceClasses = (view: View, resourceClasses: Iterable<string>): void => {
  for (const name of resourceClasses)
    if (!isResourceClass(view, name))
      throw new Refusal(
        'bad-request',
        `Invalid resource class in resources parameter: No such resource class ${name}.`,
      );
};

/** The first trait of a filter that there is not. */
export const findUnknownTrait = (
  view: View,
  { requiredTraits, forbiddenTraits }: Pick<ProviderFilter, 'requiredTraits' | 'forbiddenTraits'>,
): string | undefined => [...requiredTraits.flat(), ...forbiddenTraits].find((trait) => !isTrait(view, trait));

/** @throws Refusal bad-request for a class or a trait that does not exist. */
export const checkRequestNames = (
  view: View,
  { groups, rootRequiredTraits, rootForbiddenTraits }: CandidatesRequest,
): void => {
  const root = { requiredTraits: [rootRequiredTraits], forbiddenTraits: rootForbiddenTraits };
  for (const { resources } of groups.values()) checkResourceClasses(view, Object.keys(resources));
  for (const filter of [root, ...groups.values()]) {
    const trait = findUnknownTrait(view, filter);
    if (trait !== undefined) throw new Refusal('bad-request', `No such trait(s): ${trait}.`);
  }
};
