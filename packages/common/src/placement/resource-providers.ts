import { z } from 'zod';
import { providerUuidSchema, type ProviderUuid } from '../ids.js';
import type { PlacementClient } from './client.js';
import { isPlacementConflict, isPlacementNotFound } from './errors.js';

/** https://docs.openstack.org/api-ref/placement/#resource-providers */
const providerSchema = z.looseObject({ uuid: providerUuidSchema, name: z.string(), generation: z.int() });
export type ResourceProvider = z.output<typeof providerSchema>;

const inventorySchema = z.looseObject({
  total: z.int(),
  reserved: z.int().default(0),
  allocation_ratio: z.number().default(1),
  min_unit: z.int().default(1),
  max_unit: z.int(),
  step_size: z.int().default(1),
});
const inventoriesSchema = z.looseObject({
  inventories: z.record(z.string(), inventorySchema),
  resource_provider_generation: z.int(),
});
export type Inventory = z.output<typeof inventorySchema>;
export type Inventories = z.output<typeof inventoriesSchema>;

/** What we write: Placement fills in the rest (`min_unit` 1, `step_size` 1). */
export interface NewInventory {
  readonly total: number;
  readonly reserved: number;
  readonly allocation_ratio: number;
  readonly max_unit: number;
}

const of = (provider: ProviderUuid, part = ''): string => `/resource_providers/${provider}${part}`;

export const listResourceProviders = async (placement: PlacementClient): Promise<ResourceProvider[]> => {
  const reply = await placement.send({
    method: 'GET',
    path: '/resource_providers',
    verb: 'list resource providers',
    schema: z.looseObject({ resource_providers: z.array(providerSchema) }),
  });
  return reply.resource_providers;
};

/**
 * Asks by a filter, not by path: so a provider that is not there and an address where Placement is not differ, and the token is checked.
 */
export const hasResourceProvider = async (placement: PlacementClient, provider: ProviderUuid): Promise<boolean> => {
  const reply = await placement.send({
    method: 'GET',
    path: `/resource_providers?uuid=${provider}`,
    verb: `look for resource provider ${provider}`,
    schema: z.looseObject({ resource_providers: z.array(z.unknown()) }),
  });
  return reply.resource_providers.length > 0;
};

export const findResourceProvider = async (
  placement: PlacementClient,
  provider: ProviderUuid,
): Promise<ResourceProvider | undefined> => {
  try {
    return await placement.send({
      method: 'GET',
      path: of(provider),
      verb: `read resource provider ${provider}`,
      schema: providerSchema,
    });
  } catch (err) {
    if (isPlacementNotFound(err)) return undefined;
    throw err;
  }
};

/** Creates the provider unless it is there. A name that another provider has is an error of Placement (409). */
export const ensureResourceProvider = async (
  placement: PlacementClient,
  provider: { uuid: ProviderUuid; name: string },
): Promise<ResourceProvider> => {
  const found = await findResourceProvider(placement, provider.uuid);
  if (found) return found;
  try {
    return await placement.send({
      method: 'POST',
      path: '/resource_providers',
      verb: `create resource provider ${provider.uuid}`,
      body: provider,
      schema: providerSchema,
    });
  } catch (err) {
    const winner = isPlacementConflict(err) ? await findResourceProvider(placement, provider.uuid) : undefined;
    if (winner) return winner;
    throw err;
  }
};

/** Placement removes its inventories, traits and aggregates with it, and refuses while it has allocations. */
export const deleteResourceProvider = async (
  placement: PlacementClient,
  provider: ProviderUuid,
): Promise<'removed' | 'in-use'> => {
  try {
    await placement.send({
      method: 'DELETE',
      path: of(provider),
      verb: `delete resource provider ${provider}`,
      schema: z.unknown(),
    });
    return 'removed';
  } catch (err) {
    if (isPlacementNotFound(err)) return 'removed';
    if (isPlacementConflict(err)) return 'in-use';
    throw err;
  }
};

export const getInventories = async (placement: PlacementClient, provider: ProviderUuid): Promise<Inventories> =>
  placement.send({
    method: 'GET',
    path: of(provider, '/inventories'),
    verb: `read the inventories of resource provider ${provider}`,
    schema: inventoriesSchema,
  });

/** Replaces all inventories. @throws a concurrent-update conflict when `generation` is not the provider's any more. */
export const putInventories = async (
  placement: PlacementClient,
  provider: ProviderUuid,
  { inventories, generation }: { inventories: Readonly<Record<string, NewInventory>>; generation: number },
): Promise<Inventories> =>
  placement.send({
    method: 'PUT',
    path: of(provider, '/inventories'),
    verb: `write the inventories of resource provider ${provider}`,
    body: { inventories, resource_provider_generation: generation },
    schema: inventoriesSchema,
  });

/** What is used on the provider, by resource class. */
export const getUsages = async (
  placement: PlacementClient,
  provider: ProviderUuid,
): Promise<Record<string, number>> => {
  const reply = await placement.send({
    method: 'GET',
    path: of(provider, '/usages'),
    verb: `read the usages of resource provider ${provider}`,
    schema: z.looseObject({ usages: z.record(z.string(), z.int()) }),
  });
  return reply.usages;
};

const traitsSchema = z.looseObject({ traits: z.array(z.string()), resource_provider_generation: z.int() });

export const getTraits = async (
  placement: PlacementClient,
  provider: ProviderUuid,
): Promise<z.output<typeof traitsSchema>> =>
  placement.send({
    method: 'GET',
    path: of(provider, '/traits'),
    verb: `read the traits of resource provider ${provider}`,
    schema: traitsSchema,
  });

export const putTraits = async (
  placement: PlacementClient,
  provider: ProviderUuid,
  { traits, generation }: { traits: readonly string[]; generation: number },
): Promise<void> => {
  await placement.send({
    method: 'PUT',
    path: of(provider, '/traits'),
    verb: `write the traits of resource provider ${provider}`,
    body: { traits, resource_provider_generation: generation },
    schema: traitsSchema,
  });
};

/** Makes sure that a trait exists; only `CUSTOM_` ones can be made. */
export const ensureTrait = async (placement: PlacementClient, trait: string): Promise<void> => {
  await placement.send({
    method: 'PUT',
    path: `/traits/${encodeURIComponent(trait)}`,
    verb: `create trait ${trait}`,
    schema: z.unknown(),
  });
};

const aggregatesSchema = z.looseObject({ aggregates: z.array(z.string()), resource_provider_generation: z.int() });

export const getAggregates = async (
  placement: PlacementClient,
  provider: ProviderUuid,
): Promise<z.output<typeof aggregatesSchema>> =>
  placement.send({
    method: 'GET',
    path: of(provider, '/aggregates'),
    verb: `read the aggregates of resource provider ${provider}`,
    schema: aggregatesSchema,
  });

export const putAggregates = async (
  placement: PlacementClient,
  provider: ProviderUuid,
  { aggregates, generation }: { aggregates: readonly string[]; generation: number },
): Promise<void> => {
  await placement.send({
    method: 'PUT',
    path: of(provider, '/aggregates'),
    verb: `write the aggregates of resource provider ${provider}`,
    body: { aggregates, resource_provider_generation: generation },
    schema: aggregatesSchema,
  });
};
