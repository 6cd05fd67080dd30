import type { JsonSchema } from '../route.js';
import { objectOf, perVersion, UUID } from './build.js';

const UUIDS: JsonSchema = { type: 'array', items: UUID, uniqueItems: true };

/** Of PUT /resource_providers/{uuid}/aggregates. Before 1.19 it is the bare list. */
export const aggregatesSchema = perVersion([1, 19], (version) =>
  version >= 19
    ? objectOf({
        properties: { aggregates: UUIDS, resource_provider_generation: { type: 'integer' } },
        required: ['aggregates', 'resource_provider_generation'],
      })
    : UUIDS,
);

export type AggregatesBody =
  | readonly string[]
  | { readonly aggregates: readonly string[]; readonly resource_provider_generation: number };
