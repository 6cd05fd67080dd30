import type { RequestGroup } from '../../engine/candidates/request.js';
import { parseUuid } from '../../model/uuid.js';
import { badQuery } from './bad-query.js';
import { parseMemberOf } from './member-of.js';
import { parseResources } from './resources.js';
import { parseTraits } from './traits.js';

/** Suffixes were numbers before 1.33. */
const KEY = /^(?:resources|required|member_of|in_tree)((?:[1-9][0-9]*)?)$/;
const KEY_1_33 = /^(?:resources|required|member_of|in_tree)([a-zA-Z0-9_-]{0,64})$/;

/** The groups of a query by suffix, in the order of their first mention. @throws HttpError. */
export const parseGroups = (query: URLSearchParams, version: number): ReadonlyMap<string, RequestGroup> => {
  const pattern = version >= 33 ? KEY_1_33 : KEY;
  const suffixes = new Set([...query.keys()].flatMap((key) => pattern.exec(key)?.[1] ?? []));
  return new Map([...suffixes].map((suffix) => [suffix, parseGroup(query, suffix, version)]));
};

const parseGroup = (query: URLSearchParams, suffix: string, version: number): RequestGroup => {
  const resources = query.getAll(`resources${suffix}`).map(parseResources).at(-1) ?? {};
  const traits = parseTraits(query.getAll(`required${suffix}`), version);
  const memberOf = parseMemberOf(query.getAll(`member_of${suffix}`), version, `member_of${suffix}`);
  const inTree = query.getAll(`in_tree${suffix}`).map(parseInTree).at(-1);
  return { resources, ...traits, ...memberOf, inTree };
};

const parseInTree = (value: string): string => {
  const uuid = value.trim();
  if (parseUuid(uuid) === undefined)
    throw badQuery(
      `Invalid query string parameters: Expected 'in_tree' parameter to be a format of uuid. Got: ${value}`,
    );
  return uuid;
};
