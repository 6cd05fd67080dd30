import type { ProviderQuery } from '../../engine/providers/list-providers.js';
import { parseMemberOf } from './member-of.js';
import { parseResources } from './resources.js';
import { parseTraits } from './traits.js';

/** The query of `GET /resource_providers`. Of what is repeated and may not be, the last counts. @throws Refusal. */
export const parseProviderQuery = (query: URLSearchParams, version: number): ProviderQuery => {
  const last = (key: string): string | undefined => query.getAll(key).at(-1);
  const resources = last('resources');
  return {
    // An empty name is no name.
    name: last('name') || undefined,
    uuid: last('uuid'),
    inTree: last('in_tree'),
    resources: resources === undefined ? {} : parseResources(resources),
    ...parseTraits(query.getAll('required'), version),
    ...parseMemberOf(query.getAll('member_of'), version),
  };
};
