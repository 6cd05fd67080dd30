import type { JsonSchema } from '../route.js';

const TEXT = { type: 'string' };
const UUID = { type: 'string', format: 'uuid' };

const FILTERS = [
  { since: 0, filter: ['name', TEXT] },
  { since: 0, filter: ['uuid', UUID] },
  { since: 3, filter: ['member_of', TEXT] },
  { since: 4, filter: ['resources', TEXT] },
  { since: 14, filter: ['in_tree', UUID] },
  { since: 18, filter: ['required', TEXT] },
] as const;

/** The query of `GET /resource_providers`. @param version N of 1.N */
export const providerListQuerySchema = (version: number): JsonSchema => ({
  type: 'object',
  properties: Object.fromEntries(FILTERS.filter(({ since }) => version >= since).map(({ filter }) => filter)),
  additionalProperties: false,
});
