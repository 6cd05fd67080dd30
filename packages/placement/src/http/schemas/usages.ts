import type { JsonSchema } from '../route.js';
import { CONSUMER_TYPE_PATTERN } from './patterns.js';

const id = { type: 'string', minLength: 1, maxLength: 255 };

const since9: JsonSchema = {
  type: 'object',
  properties: { project_id: id, user_id: id },
  required: ['project_id'],
  additionalProperties: false,
};

const since38: JsonSchema = {
  ...since9,
  properties: {
    project_id: id,
    user_id: id,
    consumer_type: { ...id, pattern: `${CONSUMER_TYPE_PATTERN}|^all|^unknown$` },
  },
};

export const usagesQuerySchema = (version: number): JsonSchema => (version >= 38 ? since38 : since9);
