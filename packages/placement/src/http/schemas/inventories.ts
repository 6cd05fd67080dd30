import { type GivenInventory, MAX_AMOUNT } from '../../engine/inventories/read-inventory.js';
import type { JsonSchema } from '../route.js';
import { mapOf, objectOf } from './build.js';
import { RESOURCE_CLASS_PATTERN } from './patterns.js';

const GENERATION: JsonSchema = { type: 'integer' };

const amountFrom = (minimum: number): JsonSchema => ({ type: 'integer', maximum: MAX_AMOUNT, minimum });

/** The largest number of single precision: databases keep it so. */
const MAX_RATIO = 3.402_82e38;

/** An inventory may always carry a generation; where it is not required, it is not looked at. */
const INVENTORY_PROPERTIES = {
  resource_provider_generation: GENERATION,
  total: amountFrom(1),
  reserved: amountFrom(0),
  min_unit: amountFrom(1),
  max_unit: amountFrom(1),
  step_size: amountFrom(1),
  allocation_ratio: { type: 'number', maximum: MAX_RATIO },
};

/** Of POST /resource_providers/{uuid}/inventories. */
export const NEW_INVENTORY_SCHEMA: JsonSchema = objectOf({
  properties: { ...INVENTORY_PROPERTIES, resource_class: { type: 'string', pattern: RESOURCE_CLASS_PATTERN } },
  required: ['total', 'resource_class'],
});

export interface NewInventoryBody extends GivenInventory {
  readonly resource_class: string;
}

/** Of PUT /resource_providers/{uuid}/inventories/{resource_class}. */
export const CHANGED_INVENTORY_SCHEMA: JsonSchema = objectOf({
  properties: INVENTORY_PROPERTIES,
  required: ['total', 'resource_provider_generation'],
});

export interface ChangedInventoryBody extends GivenInventory {
  readonly resource_provider_generation: number;
}

/** Of PUT /resource_providers/{uuid}/inventories. */
export const ALL_INVENTORIES_SCHEMA: JsonSchema = objectOf({
  properties: {
    resource_provider_generation: GENERATION,
    inventories: mapOf({
      keys: RESOURCE_CLASS_PATTERN,
      values: objectOf({ properties: INVENTORY_PROPERTIES, required: ['total'] }),
    }),
  },
  required: ['resource_provider_generation', 'inventories'],
});

export interface AllInventoriesBody {
  readonly resource_provider_generation: number;
  readonly inventories: Readonly<Record<string, GivenInventory>>;
}
