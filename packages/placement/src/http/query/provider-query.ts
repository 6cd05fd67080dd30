import type { ProviderQuery } from '../../engine/providers/list-providers.js';
import { lastOf } from '../read-request.js';
import { parseMemberOf } from './member-of.js';
import { parseResources } from './resources.js';
import { parseTraits } from './traits.js';

/** The query of `GET /resource_providers`. Of what is repeated and may not be, the last counts. @throws HttpError. */
export const parseProviderQuery = (query: URLSearchParams, version: number): ProviderQuery => {
  const resources = lastOf(query, 'resources');
  return {
    // An empty name is no name.
    name: lastOf(query, 'name') || undefined,
    uuid: lastOf(query, 'uuid'),
    inTree: lastOf(query, 'in_tree'),
    resources: resources === undefined ? {} : parseResources(resources),
    ...parseTraits(query.getAll('required'), version),
    ...parseMemberOf(query.getAll('member_of'), version),
  };
};
