import { retry } from '@etcd-compute/common/async/retry';
import type { PlacementClient, PlacementRequest } from '@etcd-compute/common/placement/client';
import { isConcurrentUpdate } from '@etcd-compute/common/placement/errors';
import { CONSUMER_TYPES } from '@etcd-compute/common/placement/microversion';
import { z } from 'zod';
import type { ConsumerContent } from './content.js';

const PAUSE_MS = { minMs: 50, maxMs: 2_000 };
const ATTEMPTS = 10;

/** Nobody else writes, so what Placement takes for a conflict is between our own requests, in its database. */
export const sendPatiently = async <S extends z.ZodType>(
  client: PlacementClient,
  request: PlacementRequest<S>,
): Promise<z.output<S>> =>
  retry(async () => client.send(request), {
    isWorthIt: (err, attempt) => isConcurrentUpdate(err) && attempt < ATTEMPTS,
    pause: PAUSE_MS,
  });

/** Makes a class or a trait, unless it is there. */
export const ensureName = async (
  client: PlacementClient,
  kind: 'resource_classes' | 'traits',
  name: string,
): Promise<void> => {
  await sendPatiently(client, {
    method: 'PUT',
    path: `/${kind}/${name}`,
    verb: `create ${kind === 'traits' ? 'trait' : 'resource class'} ${name}`,
    schema: z.unknown(),
  });
};

/** @param consumers either all have a type or none has. @param there those that are there already, which are replaced. */
export const writeConsumers = async (
  client: PlacementClient,
  consumers: readonly ConsumerContent[],
  there: ReadonlyMap<string, ConsumerContent>,
): Promise<void> => {
  const [first] = consumers;
  const bodyOf = ({ uuid, project, user, type, allocations }: ConsumerContent) => ({
    project_id: project,
    user_id: user,
    consumer_generation: there.get(uuid)?.generation ?? null,
    allocations: Object.fromEntries(
      Object.entries(allocations).map(([provider, resources]) => [provider, { resources }]),
    ),
    ...(type !== null && { consumer_type: type }),
  });
  await sendPatiently(client, {
    method: 'POST',
    path: '/allocations',
    verb: `allocate for ${consumers.length} consumers, the first of which is ${first?.uuid ?? ''}`,
    schema: z.unknown(),
    body: Object.fromEntries(consumers.map((consumer) => [consumer.uuid, bodyOf(consumer)])),
    ...(first?.type === null && { microversion: CONSUMER_TYPES - 1 }),
  });
};
