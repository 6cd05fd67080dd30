import { z } from 'zod';
import type { Allocations, NewAllocation } from '../capacity/capacity.js';
import { newInstanceUuid, type InstanceUuid, type ProviderUuid } from '../ids.js';
import type { PlacementClient } from './client.js';
import { CONSUMER_TYPES, isBelow } from './microversion.js';

/* https://docs.openstack.org/api-ref/placement/#allocations */

/** The consumer type of our instances, from microversion 1.38 on. */
const CONSUMER_TYPE = 'INSTANCE';

/**
 * Placement demands it in every write from 1.38 on, and calls consumers from before `unknown` in what it returns, which it does
 * not take back.
 */
const consumerType = (placement: PlacementClient): { consumer_type?: string } =>
  isBelow(placement.microversion(), CONSUMER_TYPES) ? {} : { consumer_type: CONSUMER_TYPE };

const resourcesSchema = z.record(z.string(), z.int().nonnegative());

const allocationsSchema = z.looseObject({
  allocations: z.record(z.guid(), z.looseObject({ resources: resourcesSchema })),
  /** These three are absent when there are no allocations. */
  consumer_generation: z.int().nullable().optional(),
  user_id: z.string().optional(),
  project_id: z.string().optional(),
  /** From microversion 1.38 on. */
  consumer_type: z.string().optional(),
});

/** As Placement answers. */
export interface PlacementHeld extends z.output<typeof allocationsSchema> {
  /** When it was allocated last, by Placement's clock; now when nothing is held. In whole seconds. */
  readonly since: Date | undefined;
}

/** What Placement holds for an instance; empty `allocations` when nothing. */
export const getHeld = async (placement: PlacementClient, instance: InstanceUuid): Promise<PlacementHeld> => {
  const { value, lastModified } = await placement.sendForTime({
    method: 'GET',
    path: `/allocations/${instance}`,
    verb: `read the allocations of instance ${instance}`,
    schema: allocationsSchema,
  });
  return { ...value, since: lastModified };
};

/**
 * What time it is for Placement, whose clock tells when something was allocated. A consumer that holds nothing was, for Placement,
 * changed now.
 */
export const getPlacementTime = async (placement: PlacementClient): Promise<Date | undefined> =>
  (await getHeld(placement, newInstanceUuid())).since;

export interface PutAllocations {
  /** Completes "could not … instance <uuid>". */
  readonly verb: string;
  /** A candidate's `allocations` and `mappings`, as Placement gave them. */
  readonly allocations: Allocations;
  readonly mappings?: unknown;
  /** Null for a consumer that holds nothing. */
  readonly generation: number | null;
  readonly userId: string | undefined;
  readonly projectId: string | undefined;
}

const bodyOf = ({ allocations, mappings, generation, userId, projectId }: Omit<PutAllocations, 'verb'>) => ({
  allocations,
  ...(mappings !== undefined && { mappings }),
  user_id: userId,
  project_id: projectId,
  consumer_generation: generation,
});

/** Replaces what an instance holds. @throws a conflict when there is no room, and when the generation is not the consumer's any more. */
export const putAllocations = async (
  placement: PlacementClient,
  instance: InstanceUuid,
  { verb, ...request }: PutAllocations,
): Promise<void> => {
  await placement.send({
    method: 'PUT',
    path: `/allocations/${instance}`,
    verb: `${verb} instance ${instance}`,
    schema: z.unknown(),
    body: { ...bodyOf(request), ...consumerType(placement) },
  });
};

/** Allocates for several new consumers, for all of them or for none. @throws a conflict that does not say which of them has met it. */
export const postAllocations = async (
  placement: PlacementClient,
  requests: readonly NewAllocation[],
): Promise<void> => {
  const type = consumerType(placement);
  await placement.send({
    method: 'POST',
    path: '/allocations',
    verb: `allocate for ${requests.length} instances`,
    schema: z.unknown(),
    body: Object.fromEntries(
      requests.map((request) => [request.instance, { ...bodyOf({ ...request, generation: null }), ...type }]),
    ),
  });
};

const providerAllocationsSchema = z.looseObject({
  allocations: z.record(z.guid(), z.looseObject({ resources: resourcesSchema })),
});

/** What each consumer holds on a provider, by the consumer's uuid. */
export const listProviderAllocations = async (
  placement: PlacementClient,
  provider: ProviderUuid,
): Promise<Record<string, { resources: Record<string, number> }>> => {
  const reply = await placement.send({
    method: 'GET',
    path: `/resource_providers/${provider}/allocations`,
    verb: `list the allocations on resource provider ${provider}`,
    schema: providerAllocationsSchema,
  });
  return reply.allocations;
};
