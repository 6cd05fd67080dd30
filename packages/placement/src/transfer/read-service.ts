import type { PlacementClient } from '@etcd-compute/common/placement/client';
import { EcomputeError } from '@etcd-compute/common/errors';
import { isPlacementNotFound } from '@etcd-compute/common/placement/errors';
import pLimit from 'p-limit';
import type { ConsumerContent, Content, ProviderContent } from './content.js';
import { holdersOf, isSameHolders } from './holders.js';
import { countDone, type OnProgress } from './progress.js';
import { readConsumer, readNames, readProvider, type ReadProvider } from './read-parts.js';
import { type ListedProvider, providersSchema } from './service-replies.js';

/*
 * A Placement cannot be read at one moment. So what is read is checked against the list of providers, read once more, and what has moved is
 * read again, until nothing has. What moves no generation may still be missed: whoever must be sure stops all who write, or compares later.
 */

export interface ReadServiceOptions {
  /** Requests at a time. */
  readonly parallel: number;
  readonly onProgress: OnProgress;
}

const MAX_PASSES = 5;

/** @throws EcomputeError ECOMPUTE_PLACEMENT_*; CONFLICT when it does not stand still. */
export const readService = async (
  client: PlacementClient,
  { parallel, onProgress }: ReadServiceOptions,
): Promise<Content> => {
  const limit = pLimit(parallel);
  const providers = new Map<string, ReadProvider>();
  const consumers = new Map<string, ConsumerContent>();

  const readProviders = async (listed: readonly ListedProvider[]): Promise<void> => {
    const done = countDone(onProgress, 'read', { of: listed.length, what: 'resource providers' });
    await limit.map(listed, async (one) => {
      const read = await readProvider(client, one).catch((err: unknown) => {
        // It has just been deleted: the next list tells.
        if (isPlacementNotFound(err)) return undefined;
        throw err;
      });
      if (read) providers.set(one.uuid, read);
      else providers.delete(one.uuid);
      done();
    });
  };
  const readConsumers = async (uuids: readonly string[]): Promise<void> => {
    const done = countDone(onProgress, 'read', { of: uuids.length, what: 'consumers' });
    await limit.map(uuids, async (uuid) => {
      const consumer = await readConsumer(client, uuid);
      if (consumer) consumers.set(uuid, consumer);
      else consumers.delete(uuid);
      done();
    });
  };

  for (let pass = 1; pass <= MAX_PASSES; pass += 1) {
    const names = await readNames(client);
    const listed = await listProviders(client);
    const uuids = new Set(listed.map(({ uuid }) => uuid));
    const gone = [...providers.keys()].filter((uuid) => !uuids.has(uuid));
    const moved = listed.filter((one) => hasMoved(one, providers.get(one.uuid)));
    const held = holdersOf(consumers.values());
    const torn = listed.filter(
      (one) => !moved.includes(one) && !isSameHolders(providers.get(one.uuid)?.holders, held.get(one.uuid)),
    );
    if (gone.length + moved.length + torn.length === 0)
      return {
        ...names,
        providers: new Map([...providers].map(([uuid, { provider }]) => [uuid, provider])),
        consumers,
      };
    const stale = [...moved, ...torn];
    const before = [...stale.map(({ uuid }) => uuid), ...gone].flatMap((uuid) => [...(held.get(uuid)?.keys() ?? [])]);
    for (const uuid of gone) providers.delete(uuid);
    await readProviders(stale);
    const now = stale.flatMap(({ uuid }) => [...(providers.get(uuid)?.holders.keys() ?? [])]);
    await readConsumers([...new Set([...before, ...now])]);
  }
  throw new EcomputeError(
    'ECOMPUTE_PLACEMENT_CONFLICT',
    `could not read all of Placement at ${client.endpoint}: it was changed again and again while it was read`,
    { retryable: true, hint: 'stop what writes there: schedulers, agents, Nova' },
  );
};

const listProviders = async (client: PlacementClient): Promise<readonly ListedProvider[]> => {
  const reply = await client.send({
    method: 'GET',
    path: '/resource_providers',
    verb: 'list resource providers',
    schema: providersSchema,
  });
  return reply.resource_providers;
};

const hasMoved = (listed: ListedProvider, read: ReadProvider | undefined): boolean => {
  const { name, parent, generation }: Partial<ProviderContent> = read?.provider ?? {};
  return listed.name !== name || listed.parent_provider_uuid !== parent || listed.generation !== generation;
};
