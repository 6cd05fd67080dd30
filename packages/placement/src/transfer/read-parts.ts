import { EcomputeError } from '@etcd-compute/common/errors';
import type { PlacementClient } from '@etcd-compute/common/placement/client';
import type { Amounts, Times } from '../model/entities.js';
import type { ConsumerContent, Content, ProviderContent } from './content.js';
import type { Holders } from './holders.js';
import {
  aggregatesSchema,
  consumerSchema,
  holdersSchema,
  inventoriesSchema,
  type ListedProvider,
  listedProviderSchema,
  namesSchema,
  traitNamesSchema,
  traitsSchema,
} from './service-replies.js';

export const readNames = async (client: PlacementClient): Promise<Pick<Content, 'classes' | 'traits'>> => {
  const classes = await client.send({
    method: 'GET',
    path: '/resource_classes',
    verb: 'list resource classes',
    schema: namesSchema,
  });
  const traits = await client.send({ method: 'GET', path: '/traits', verb: 'list traits', schema: traitNamesSchema });
  return { classes: new Set(classes.resource_classes.map(({ name }) => name)), traits: new Set(traits.traits) };
};

export interface ReadProvider {
  readonly provider: ProviderContent;
  readonly holders: Holders;
}

const ATTEMPTS = 5;

/** Reads a provider's parts until all are of one generation. @throws EcomputeError ECOMPUTE_PLACEMENT_*; NOT_FOUND when it has gone. */
export const readProvider = async (client: PlacementClient, listed: ListedProvider): Promise<ReadProvider> => {
  let facts = listed;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const read = await readParts(client, facts);
    if (read) return read;
    facts = await client.send({ ...get(facts.uuid, ''), schema: listedProviderSchema });
  }
  throw new EcomputeError(
    'ECOMPUTE_PLACEMENT_CONFLICT',
    `could not read resource provider ${listed.uuid} (${listed.name}) of Placement at ${client.endpoint}: it was changed ${ATTEMPTS} times while it was read`,
    { retryable: true, hint: 'stop what writes there: schedulers, agents, Nova' },
  );
};

/** @returns undefined when it was changed meanwhile. */
const readParts = async (client: PlacementClient, listed: ListedProvider): Promise<ReadProvider | undefined> => {
  const { uuid, name, parent_provider_uuid: parent, generation } = listed;
  const { value: inventories, lastModified } = await client.sendForTime({
    ...get(uuid, '/inventories'),
    schema: inventoriesSchema,
  });
  const traits = await client.send({ ...get(uuid, '/traits'), schema: traitsSchema });
  const aggregates = await client.send({ ...get(uuid, '/aggregates'), schema: aggregatesSchema });
  const holders = await client.send({ ...get(uuid, '/allocations'), schema: holdersSchema });
  const parts = [inventories, traits, aggregates, holders];
  if (parts.some((part) => part.resource_provider_generation !== generation)) return undefined;
  return {
    provider: {
      uuid,
      name,
      parent,
      generation,
      inventories: inventories.inventories,
      traits: traits.traits,
      aggregates: aggregates.aggregates,
      ...timesOf(lastModified),
    },
    holders: new Map(Object.entries(amountsOf(holders.allocations))),
  };
};

/** @returns undefined when it holds nothing. */
export const readConsumer = async (client: PlacementClient, uuid: string): Promise<ConsumerContent | undefined> => {
  const { value, lastModified } = await client.sendForTime({
    method: 'GET',
    path: `/allocations/${uuid}`,
    verb: `read the allocations of consumer ${uuid}`,
    schema: consumerSchema,
  });
  const { consumer_generation: generation, project_id: project, user_id: user, consumer_type: type } = value;
  const allocations = amountsOf(value.allocations);
  if (Object.keys(allocations).length === 0) return undefined;
  if (generation === undefined || project === undefined || user === undefined)
    throw new EcomputeError(
      'ECOMPUTE_PLACEMENT_BAD_REPLY',
      `could not read the allocations of consumer ${uuid}: Placement at ${client.endpoint} does not tell its project, user or generation`,
    );
  return {
    uuid,
    project,
    user,
    generation,
    type: type === undefined || type === UNTYPED ? null : type,
    allocations,
    ...timesOf(lastModified),
  };
};

/** Consumers from before there were types are shown so. */
const UNTYPED = 'unknown';

const get = (uuid: string, part: string) =>
  ({
    method: 'GET',
    path: `/resource_providers/${uuid}${part}`,
    verb: `read ${part === '' ? '' : `the ${part.slice(1)} of `}resource provider ${uuid}`,
  }) as const;

/** When it was made is not told. */
const timesOf = (lastModified: Date | undefined): Times => {
  const time = (lastModified ?? new Date()).getTime();
  return { createdAt: time, updatedAt: time };
};

const amountsOf = (allocations: Readonly<Record<string, { readonly resources: Amounts }>>): Record<string, Amounts> =>
  Object.fromEntries(Object.entries(allocations).map(([provider, { resources }]) => [provider, resources]));
