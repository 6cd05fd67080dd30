import type { JsonSchema } from '../route.js';
import { objectOf, perVersion, UUID } from './build.js';

const NAME: JsonSchema = { type: 'string', maxLength: 200 };
const PARENT: JsonSchema = { anyOf: [UUID, { type: 'null' }] };

/** Of POST /resource_providers. */
export const newProviderSchema = perVersion([0, 14], (version) =>
  objectOf({
    properties: { name: NAME, uuid: UUID, ...(version >= 14 && { parent_provider_uuid: PARENT }) },
    required: ['name'],
  }),
);

export interface NewProviderBody {
  readonly name: string;
  readonly uuid?: string;
  readonly parent_provider_uuid?: string | null;
}

/** Of PUT /resource_providers/{uuid}. */
export const changedProviderSchema = perVersion([0, 14], (version) =>
  objectOf({
    properties: { name: NAME, ...(version >= 14 && { parent_provider_uuid: PARENT }) },
    required: ['name'],
  }),
);

export type ChangedProviderBody = Omit<NewProviderBody, 'uuid'>;
