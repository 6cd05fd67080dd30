import { z } from 'zod';
import { parseUuid } from '../model/uuid.js';

/** What a Placement service answers. https://docs.openstack.org/api-ref/placement/ */

const uuid = z.string().transform((text, context) => {
  const parsed = parseUuid(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: `expected a uuid, not ${text}` });
  return z.NEVER;
});

const amounts = z.record(z.string(), z.int().positive());
const generation = { resource_provider_generation: z.int() };

export const namesSchema = z.object({ resource_classes: z.array(z.object({ name: z.string() })) });
export const traitNamesSchema = z.object({ traits: z.array(z.string()) });

export const listedProviderSchema = z.object({
  uuid,
  name: z.string(),
  parent_provider_uuid: uuid.nullable(),
  generation: z.int(),
});
export type ListedProvider = z.output<typeof listedProviderSchema>;
export const providersSchema = z.object({ resource_providers: z.array(listedProviderSchema) });

const inventorySchema = z.object({
  total: z.int(),
  reserved: z.int(),
  min_unit: z.int(),
  max_unit: z.int(),
  step_size: z.int(),
  allocation_ratio: z.number(),
});
export const inventoriesSchema = z.object({ inventories: z.record(z.string(), inventorySchema), ...generation });
export const traitsSchema = z.object({ traits: z.array(z.string()), ...generation });
export const aggregatesSchema = z.object({ aggregates: z.array(uuid), ...generation });
export const holdersSchema = z.object({
  allocations: z.record(uuid, z.object({ resources: amounts })),
  ...generation,
});

/** Members beside `allocations` are there when it is not empty. */
export const consumerSchema = z.object({
  allocations: z.record(uuid, z.object({ resources: amounts })),
  consumer_generation: z.int().optional(),
  project_id: z.string().optional(),
  user_id: z.string().optional(),
  /** From 1.38 on. */
  consumer_type: z.string().optional(),
});
