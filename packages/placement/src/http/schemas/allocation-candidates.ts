import type { JsonSchema } from '../route.js';

const TEXT = { type: 'string' };
const LIMIT = { type: ['integer', 'string'], pattern: '^[1-9][0-9]*$', minimum: 1, minLength: 1 };
const GROUP_POLICY = { type: 'string', enum: ['none', 'isolate'] };

/** What each version has more than the one before, until groups came with 1.25. */
const SINGLE_GROUP = [
  { since: 16, properties: { limit: LIMIT } },
  { since: 17, properties: { required: TEXT } },
  { since: 21, properties: { member_of: TEXT } },
];

const MANY_GROUPS = [
  { since: 16, properties: { limit: LIMIT } },
  { since: 25, properties: { group_policy: GROUP_POLICY } },
  { since: 35, properties: { root_required: TEXT } },
  { since: 36, properties: { same_subtree: TEXT } },
];

/** The query of `GET /allocation_candidates`. @param version N of 1.N */
export const candidatesQuerySchema = (version: number): JsonSchema => {
  const properties = Object.assign(
    {},
    ...(version < 25 ? SINGLE_GROUP : MANY_GROUPS)
      .filter(({ since }) => version >= since)
      .map(({ properties }) => properties),
  ) as Record<string, unknown>;
  if (version < 25)
    return {
      type: 'object',
      properties: { resources: TEXT, ...properties },
      required: ['resources'],
      additionalProperties: false,
    };
  const suffix = version >= 33 ? '[a-zA-Z0-9_-]{1,64}' : '[1-9][0-9]*';
  const keys = ['resources', 'required', 'member_of', ...(version >= 31 ? ['in_tree'] : [])];
  return {
    type: 'object',
    properties,
    patternProperties: Object.fromEntries(keys.map((key) => [`^${key}(${suffix})?$`, TEXT])),
    additionalProperties: false,
  };
};
