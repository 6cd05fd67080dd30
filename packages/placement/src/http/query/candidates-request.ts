import type { CandidatesRequest } from '../../engine/candidates/request.js';
import { BAD_VALUE, badQuery } from './bad-query.js';
import { checkGroups } from './check-groups.js';
import { parseGroups } from './groups.js';
import { parseTraitsValue } from './traits.js';

/** The query of `GET /allocation_candidates`. @throws HttpError. */
export const parseCandidatesRequest = (query: URLSearchParams, version: number): CandidatesRequest => {
  const root = parseRootRequired(query.getAll('root_required'));
  const sameSubtrees = query.getAll('same_subtree').map(parseSameSubtree);
  const groups = parseGroups(query, version);
  checkGroups(groups, sameSubtrees, version);
  const groupPolicy = query.get('group_policy');
  if (groupPolicy === null && [...groups.keys()].filter((suffix) => suffix !== '').length > 1)
    throw badQuery('The "group_policy" parameter is required when specifying more than one "resources{N}" parameter.');
  return {
    groups,
    groupPolicy: groupPolicy === 'isolate' ? 'isolate' : 'none',
    sameSubtrees,
    ...root,
    limit: parseLimit(query.get('limit')),
    mayNest: version >= 29,
  };
};

const parseRootRequired = (
  values: readonly string[],
): Pick<CandidatesRequest, 'rootRequiredTraits' | 'rootForbiddenTraits'> => {
  const [value, ...more] = values;
  if (value === undefined) return { rootRequiredTraits: [], rootForbiddenTraits: [] };
  if (more.length > 0)
    throw badQuery("Query parameter 'root_required' may be specified only once.", 'placement.query.duplicate_key');
  const { requiredTraits, forbiddenTraits } = parseTraitsValue(value, { mayForbid: true, mayBeAny: false });
  const rootRequiredTraits = requiredTraits.flat();
  const conflicts = forbiddenTraits.filter((trait) => rootRequiredTraits.includes(trait));
  if (conflicts.length > 0)
    throw badQuery(
      `Conflicting required and forbidden traits found in root_required: ${conflicts.join(', ')}`,
      BAD_VALUE,
    );
  return { rootRequiredTraits, rootForbiddenTraits: forbiddenTraits };
};

const parseSameSubtree = (value: string): readonly string[] => {
  const suffixes = value.split(',').map((suffix) => suffix.trim());
  if (suffixes.includes(''))
    throw badQuery('Empty string (unsuffixed group) can not be specified in `same_subtree` ', BAD_VALUE);
  return suffixes;
};

/** The first one counts, and the last one is what a schema has looked at. */
const parseLimit = (value: string | null): number | undefined => {
  if (value === null) return undefined;
  if (!/^[1-9][0-9]*$/.test(value)) throw badQuery(`Invalid query string parameters: '${value}' is not a limit.`);
  return Number(value);
};
