import type { Amounts } from '../../model/entities.js';
import type { JsonSchema } from '../route.js';
import { ID, mapOf, objectOf, perVersion, UUID } from './build.js';
import { CONSUMER_TYPE_PATTERN, RESOURCE_CLASS_PATTERN, UUID_PATTERN } from './patterns.js';

const RESOURCES = mapOf({ keys: RESOURCE_CLASS_PATTERN, values: { type: 'integer', minimum: 1 }, atLeast: 1 });

/** Which providers stand for which group of a request for candidates. Taken so that a candidate can be sent back as it came. */
const MAPPINGS: JsonSchema = {
  type: 'object',
  minProperties: 1,
  patternProperties: { '[a-zA-Z0-9_-]{1,64}': { type: 'array', minItems: 1, items: UUID } },
};

/** Before 1.12 allocations are a list. */
const listSchema = (version: number): JsonSchema => {
  const item = objectOf({
    properties: {
      resource_provider: objectOf({ properties: { uuid: UUID }, required: ['uuid'] }),
      resources: RESOURCES,
    },
    required: ['resource_provider', 'resources'],
  });
  const allocations = { type: 'array', minItems: 1, items: item };
  return version >= 8
    ? objectOf({
        properties: { allocations, project_id: ID, user_id: ID },
        required: ['allocations', 'project_id', 'user_id'],
      })
    : objectOf({ properties: { allocations }, required: ['allocations'] });
};

/** Since 1.12 they go by provider. */
const consumerSchema = (version: number, { mayBeEmpty }: { readonly mayBeEmpty: boolean }): JsonSchema => {
  // A generation may be given, as it is in what was read, and is not looked at.
  const held = objectOf({
    properties: { generation: { type: 'integer' }, resources: RESOURCES },
    required: ['resources'],
  });
  return objectOf({
    properties: {
      allocations: mapOf({ keys: UUID_PATTERN, values: held, atLeast: mayBeEmpty ? 0 : 1 }),
      project_id: ID,
      user_id: ID,
      ...(version >= 28 && { consumer_generation: { type: ['integer', 'null'] } }),
      ...(version >= 34 && { mappings: MAPPINGS }),
      ...(version >= 38 && { consumer_type: { ...ID, pattern: CONSUMER_TYPE_PATTERN } }),
    },
    required: [
      'allocations',
      'project_id',
      'user_id',
      ...(version >= 28 ? ['consumer_generation'] : []),
      ...(version >= 38 ? ['consumer_type'] : []),
    ],
  });
};

/** By consumer. */
export const anyConsumers = (version: number, { atLeast }: { readonly atLeast: number }): JsonSchema =>
  mapOf({ keys: UUID_PATTERN, values: consumerSchema(version, { mayBeEmpty: true }), atLeast });

/** Of PUT /allocations/{consumer_uuid}. */
export const oneConsumerSchema = perVersion([0, 8, 12, 28, 34, 38], (version) =>
  version >= 12 ? consumerSchema(version, { mayBeEmpty: version >= 28 }) : listSchema(version),
);

/** Of POST /allocations. */
export const consumersSchema = perVersion([13, 28, 34, 38], (version) => anyConsumers(version, { atLeast: 1 }));

export interface ConsumerBody {
  readonly allocations: ListedAllocations | Readonly<Record<string, { readonly resources: Amounts }>>;
  readonly project_id?: string;
  readonly user_id?: string;
  readonly consumer_generation?: number | null;
  readonly consumer_type?: string;
}

export type ListedAllocations = readonly {
  readonly resource_provider: { readonly uuid: string };
  readonly resources: Amounts;
}[];

export type ConsumersBody = Readonly<Record<string, ConsumerBody>>;
