import type { RequestGroup } from '../../engine/candidates/request.js';
import { toPythonText } from '../python-text.js';
import { BAD_VALUE, badQuery } from './bad-query.js';

type Groups = ReadonlyMap<string, RequestGroup>;

/** What groups of a query must be together. @throws HttpError. */
export const checkGroups = (groups: Groups, sameSubtrees: readonly (readonly string[])[], version: number): void => {
  if (version >= 36) checkSubtrees(groups, new Set(sameSubtrees.flat()));
  else checkAllHaveResources(groups);
  if (version >= 22) checkConflicts(groups);
};

/** From 1.36 on a group may be without resources, when it says what a provider of a subtree must be. */
const checkSubtrees = (groups: Groups, suffixes: ReadonlySet<string>): void => {
  const without = [...groups].filter(([, group]) => !hasResources(group)).map(([suffix]) => suffix);
  if (without.length === groups.size)
    throw badQuery('There must be at least one resources or resources[$S] parameter.', 'placement.query.missing_value');
  const stray = without.filter((suffix) => !suffixes.has(suffix));
  if (stray.length > 0)
    throw badQuery(
      `Resourceless suffixed group request should be specified in \`same_subtree\` query param: bad group(s) - ${toPythonText(stray)}.`,
      BAD_VALUE,
    );
  const unknown = [...suffixes].filter((suffix) => !groups.has(suffix));
  if (unknown.length > 0)
    throw badQuery(
      `Real suffixes should be specified in \`same_subtree\`: ${toPythonText(unknown)} not found in ${toPythonText([...groups.keys()])}.`,
      BAD_VALUE,
    );
};

const checkAllHaveResources = (groups: Groups): void => {
  const without = [...groups].filter(([, group]) => !hasResources(group));
  const traits = without.filter(([, { requiredTraits }]) => requiredTraits.length > 0);
  if (traits.length > 0)
    throw badQuery(
      `All traits parameters must be associated with resources.  Found the following orphaned traits keys: ${keys('required', traits)}`,
    );
  const members = without.filter(
    ([, { memberOf, forbiddenAggregates }]) => memberOf.length > 0 || forbiddenAggregates.length > 0,
  );
  if (members.length > 0)
    throw badQuery(
      `All member_of parameters must be associated with resources. Found the following orphaned member_of keys: ${keys('member_of', members)}`,
    );
  if (without.length > 0) throw badQuery('All request groups must specify resources.');
  if (groups.size === 0) throw badQuery('At least one request group (`resources` or `resources{$S}`) is required.');
};

const checkConflicts = (groups: Groups): void => {
  const conflicts = [...groups].flatMap(([suffix, { requiredTraits, forbiddenTraits }]) =>
    requiredTraits
      .filter((traits) => traits.every((trait) => forbiddenTraits.includes(trait)))
      .map((traits) => `required${suffix}: (${traits.toSorted().join(', ')})`),
  );
  if (conflicts.length > 0)
    throw badQuery(
      `Conflicting required and forbidden traits found in the following traits keys: ${conflicts.toSorted().join(', ')}`,
    );
};

const hasResources = ({ resources }: RequestGroup): boolean => Object.keys(resources).length > 0;

const keys = (prefix: string, groups: readonly (readonly [string, RequestGroup])[]): string =>
  groups.map(([suffix]) => prefix + suffix).join(', ');
