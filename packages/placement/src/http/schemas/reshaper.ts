import { anyConsumers, type ConsumersBody } from './allocations.js';
import { mapOf, objectOf, perVersion } from './build.js';
import { ALL_INVENTORIES_SCHEMA, type AllInventoriesBody } from './inventories.js';
import { UUID_PATTERN } from './patterns.js';

/** Of POST /reshaper. */
export const reshaperSchema = perVersion([30, 34, 38], (version) =>
  objectOf({
    properties: {
      inventories: mapOf({ keys: UUID_PATTERN, values: ALL_INVENTORIES_SCHEMA, atLeast: 1 }),
      allocations: anyConsumers(version, { atLeast: 0 }),
    },
    required: ['inventories', 'allocations'],
  }),
);

export interface ReshaperBody {
  readonly inventories: Readonly<Record<string, AllInventoriesBody>>;
  readonly allocations: ConsumersBody;
}
