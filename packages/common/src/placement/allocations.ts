import { z } from 'zod';
import { EcomputeError } from '../errors.js';
import { newInstanceUuid, type InstanceUuid, type ProviderUuid } from '../ids.js';
import type { PlacementClient } from './client.js';
import { isConcurrentUpdate, isPlacementConflict } from './errors.js';
import { CONSUMER_TYPES, isBelow } from './microversion.js';

/** https://docs.openstack.org/api-ref/placement/#allocations */

/** The consumer type of our instances, from microversion 1.38 on. */
const CONSUMER_TYPE = 'INSTANCE';

/**
 * Placement demands it in every write from 1.38 on, and calls consumers from before `unknown` in what it returns, which it does
 * not take back.
 */
const consumerType = (placement: PlacementClient): { consumer_type?: string } =>
  isBelow(placement.microversion(), CONSUMER_TYPES) ? {} : { consumer_type: CONSUMER_TYPE };

const resourcesSchema = z.record(z.string(), z.int().nonnegative());

export const allocationsSchema = z.looseObject({
  allocations: z.record(z.guid(), z.looseObject({ resources: resourcesSchema })),
  /** These three are absent when there are no allocations. */
  consumer_generation: z.int().nullable().optional(),
  user_id: z.string().optional(),
  project_id: z.string().optional(),
  /** From microversion 1.38 on. */
  consumer_type: z.string().optional(),
});
export type Allocations = z.output<typeof allocationsSchema>;

export interface AllocateRequest {
  readonly instance: InstanceUuid;
  /** A candidate's `allocations` and `mappings`, as Placement gave them. */
  readonly allocations: Allocations['allocations'];
  readonly mappings?: unknown;
  readonly userId: string;
  readonly projectId: string;
}

const readAllocations = (instance: InstanceUuid) =>
  ({
    method: 'GET',
    path: `/allocations/${instance}`,
    verb: `read the allocations of instance ${instance}`,
    schema: allocationsSchema,
  }) as const;

/** What Placement holds for an instance; empty `allocations` when nothing. */
export const getAllocations = async (placement: PlacementClient, instance: InstanceUuid): Promise<Allocations> =>
  placement.send(readAllocations(instance));

const putAllocations = async (
  placement: PlacementClient,
  instance: InstanceUuid,
  { verb, body }: { verb: string; body: Omit<Allocations, 'consumer_type'> & { mappings?: unknown } },
): Promise<void> => {
  await placement.send({
    method: 'PUT',
    path: `/allocations/${instance}`,
    verb: `${verb} instance ${instance}`,
    schema: z.unknown(),
    body: { ...body, ...consumerType(placement) },
  });
};

export type AllocateResult = { readonly outcome: 'allocated' } | { readonly outcome: 'conflict'; readonly err: Error };

const bodyOf = ({ allocations, mappings, userId, projectId }: AllocateRequest) => ({
  allocations,
  ...(mappings !== undefined && { mappings }),
  user_id: userId,
  project_id: projectId,
  consumer_generation: null,
});

const conflictOr = async (write: () => Promise<void>): Promise<AllocateResult> => {
  try {
    await write();
    return { outcome: 'allocated' };
  } catch (err) {
    if (isPlacementConflict(err) && err instanceof Error) return { outcome: 'conflict', err };
    throw err;
  }
};

/**
 * Allocates for a new consumer.
 *
 * @returns `conflict` when the host has no room any more, or the consumer already exists: try the next candidate.
 */
export const allocate = async (placement: PlacementClient, request: AllocateRequest): Promise<AllocateResult> =>
  conflictOr(async () => putAllocations(placement, request.instance, { verb: 'allocate for', body: bodyOf(request) }));

/**
 * Allocates for several new consumers, for all of them or for none.
 *
 * @returns `conflict` when one of them cannot be allocated for; Placement does not say which.
 */
export const allocateMany = async (
  placement: PlacementClient,
  requests: readonly AllocateRequest[],
): Promise<AllocateResult> => {
  const type = consumerType(placement);
  return conflictOr(async () => {
    await placement.send({
      method: 'POST',
      path: '/allocations',
      verb: `allocate for ${requests.length} instances`,
      schema: z.unknown(),
      body: Object.fromEntries(requests.map((request) => [request.instance, { ...bodyOf(request), ...type }])),
    });
  });
};

export interface Held extends Allocations {
  /** When it was allocated last, by Placement's clock; now when nothing is held. In whole seconds. */
  readonly since: Date | undefined;
}

/** As `getAllocations`, with how long it is held. */
export const getHeld = async (placement: PlacementClient, instance: InstanceUuid): Promise<Held> => {
  const { value, lastModified } = await placement.sendForTime(readAllocations(instance));
  return { ...value, since: lastModified };
};

/**
 * What time it is for Placement, whose clock tells when something was allocated. A consumer that holds nothing was, for Placement,
 * changed now.
 */
export const getPlacementTime = async (placement: PlacementClient): Promise<Date | undefined> =>
  (await getHeld(placement, newInstanceUuid())).since;

/**
 * Releases what was read, and nothing else.
 *
 * @returns `changed` when someone has allocated or released in between: read and judge again.
 */
export const releaseHeld = async (
  placement: PlacementClient,
  instance: InstanceUuid,
  { consumer_generation, user_id, project_id }: Allocations,
): Promise<'released' | 'changed'> => {
  try {
    await putAllocations(placement, instance, {
      verb: 'release the allocations of',
      body: { allocations: {}, consumer_generation, user_id, project_id },
    });
    return 'released';
  } catch (err) {
    if (isConcurrentUpdate(err)) return 'changed';
    throw err;
  }
};

const RELEASE_ATTEMPTS = 5;

/** Releases all that an instance holds; repeatable. @throws EcomputeError ECOMPUTE_PLACEMENT_CONFLICT when others keep changing it. */
export const releaseAllocations = async (placement: PlacementClient, instance: InstanceUuid): Promise<void> => {
  for (let attempt = 1; attempt <= RELEASE_ATTEMPTS; attempt += 1) {
    const held = await getAllocations(placement, instance);
    if (Object.keys(held.allocations).length === 0) return;
    if ((await releaseHeld(placement, instance, held)) === 'released') return;
  }
  throw new EcomputeError(
    'ECOMPUTE_PLACEMENT_CONFLICT',
    `could not release the allocations of instance ${instance}: they keep changing`,
    { retryable: true, hint: 'try again' },
  );
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
