import type { JsonSchema } from '../route.js';
import { CUSTOM_NAME_PATTERN } from './patterns.js';

/** The name of a resource class that users make. */
export const CUSTOM_CLASS_SCHEMA: JsonSchema = {
  type: 'object',
  properties: { name: { type: 'string', pattern: CUSTOM_NAME_PATTERN, maxLength: 255 } },
  required: ['name'],
  additionalProperties: false,
};
