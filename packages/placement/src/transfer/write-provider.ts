import { isDeepStrictEqual } from 'node:util';
import type { PlacementClient } from '@etcd-compute/common/placement/client';
import { z } from 'zod';
import type { ProviderContent } from './content.js';
import { inventoriesSchema, listedProviderSchema } from './service-replies.js';
import { sendPatiently } from './write-parts.js';

/** Makes a provider what it is here. @param there as it is there; undefined when it is not. */
export const ensureProvider = async (
  client: PlacementClient,
  provider: ProviderContent,
  there: ProviderContent | undefined,
): Promise<void> => {
  const { uuid, inventories, traits, aggregates } = provider;
  const parts = [
    ['inventories', inventories, there?.inventories ?? {}],
    ['traits', traits.toSorted(), there?.traits.toSorted() ?? []],
    ['aggregates', aggregates.toSorted(), there?.aggregates.toSorted() ?? []],
  ] as const;
  let generation = there && there.parent === provider.parent ? there.generation : await place(client, provider, there);
  for (const [part, wanted, found] of parts) {
    if (isDeepStrictEqual(wanted, found)) continue;
    const reply = await sendPatiently(client, {
      method: 'PUT',
      path: `/resource_providers/${uuid}/${part}`,
      verb: `write the ${part} of resource provider ${uuid} (${provider.name})`,
      body: { [part]: wanted, resource_provider_generation: generation },
      schema: z.object({ resource_provider_generation: z.int() }),
    });
    generation = reply.resource_provider_generation;
  }
};

/** Creates it, or puts it below another one. @returns its generation. */
const place = async (
  client: PlacementClient,
  { uuid, name, parent }: ProviderContent,
  there: ProviderContent | undefined,
): Promise<number> => {
  const placed = await sendPatiently(client, {
    ...(there
      ? { method: 'PUT', path: `/resource_providers/${uuid}`, body: { name, parent_provider_uuid: parent } }
      : { method: 'POST', path: '/resource_providers', body: { uuid, name, parent_provider_uuid: parent } }),
    verb: `${there ? 'move' : 'create'} resource provider ${uuid} (${name})`,
    schema: listedProviderSchema,
  });
  return placed.generation;
};

/** Replaces the inventories of a provider that is there. */
export const writeInventories = async (
  client: PlacementClient,
  { uuid, name, inventories }: ProviderContent,
): Promise<void> => {
  const path = `/resource_providers/${uuid}/inventories`;
  const { resource_provider_generation } = await client.send({
    method: 'GET',
    path,
    verb: `read the inventories of resource provider ${uuid} (${name})`,
    schema: inventoriesSchema,
  });
  await sendPatiently(client, {
    method: 'PUT',
    path,
    verb: `write the inventories of resource provider ${uuid} (${name})`,
    body: { inventories, resource_provider_generation },
    schema: z.unknown(),
  });
};
