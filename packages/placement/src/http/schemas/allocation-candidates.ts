import type { JsonSchema } from '../route.js';
import { objectOf, perVersion } from './build.js';

const TEXT = { type: 'string' };
const LIMIT = { type: ['integer', 'string'], pattern: '^[1-9][0-9]*$', minimum: 1, minLength: 1 };
const GROUP_POLICY = { type: 'string', enum: ['none', 'isolate'] };

const singleGroupSchema = (version: number): JsonSchema =>
  objectOf({
    properties: {
      resources: TEXT,
      ...(version >= 16 && { limit: LIMIT }),
      ...(version >= 17 && { required: TEXT }),
      ...(version >= 21 && { member_of: TEXT }),
    },
    required: ['resources'],
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

/** The query of `GET /allocation_candidates`. */
export const candidatesQuerySchema = perVersion([10, 16, 17, 21, 25, 31, 33, 35, 36], (version) =>
  version < 25 ? singleGroupSchema(version) : groupsSchema(version),
);
