import type { JsonSchema } from '../route.js';

const TEXT = { type: 'string' };
const LIMIT = { type: ['integer', 'string'], pattern: '^[1-9][0-9]*$', minimum: 1, minLength: 1 };
const GROUP_POLICY = { type: 'string', enum: ['none', 'isolate'] };

/** The query of `GET /allocation_candidates`. @param version N of 1.N */
export const candidatesQuerySchema = (version: number): JsonSchema =>
  version < 25 ? singleGroupSchema(version) : groupsSchema(version);

const singleGroupSchema = (version: number): JsonSchema => ({
  type: 'object',
  properties: {
    resources: TEXT,
    ...(version >= 16 && { limit: LIMIT }),
    ...(version >= 17 && { required: TEXT }),
    ...(version >= 21 && { member_of: TEXT }),
  },
  required: ['resources'],
  additionalProperties: false,
});

const groupsSchema = (version: number): JsonSchema => {
  const suffix = version >= 33 ? '[a-zA-Z0-9_-]{1,64}' : '[1-9][0-9]*';
  const keys = ['resources', 'required', 'member_of', ...(version >= 31 ? ['in_tree'] : [])];
  return {
    type: 'object',
    properties: {
      limit: LIMIT,
      group_policy: GROUP_POLICY,
      ...(version >= 35 && { root_required: TEXT }),
      ...(version >= 36 && { same_subtree: TEXT }),
    },
    patternProperties: Object.fromEntries(keys.map((key) => [`^${key}(${suffix})?$`, TEXT])),
    additionalProperties: false,
  };
};
