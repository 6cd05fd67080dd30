import type { ConsumerRequest } from '../engine/allocations/consumer-request.js';
import type { Amounts } from '../model/entities.js';
import type { ConsumerBody, ConsumersBody, ListedAllocations } from './schemas/allocations.js';

/** Whose it is when a version before 1.8 does not tell. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** What a consumer asks for, of any version's body. */
export const readConsumer = (uuid: string, body: ConsumerBody): ConsumerRequest => ({
  uuid,
  project: body.project_id ?? NOBODY,
  user: body.user_id ?? NOBODY,
  generation: body.consumer_generation,
  type: body.consumer_type,
  allocations: readAllocations(body.allocations),
});

export const readConsumers = (bodies: ConsumersBody): readonly ConsumerRequest[] =>
  Object.entries(bodies).map(([uuid, body]) => readConsumer(uuid, body));

const readAllocations = (allocations: ConsumerBody['allocations']): Readonly<Record<string, Amounts>> =>
  Object.fromEntries(
    isList(allocations)
      ? allocations.map(({ resource_provider: { uuid }, resources }) => [uuid, resources])
      : Object.entries(allocations).map(([uuid, { resources }]) => [uuid, resources]),
  );

const isList = (allocations: ConsumerBody['allocations']): allocations is ListedAllocations =>
  Array.isArray(allocations);
