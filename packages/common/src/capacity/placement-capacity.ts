import { EcomputeError } from '../errors.js';
import type { PlacementSection } from '../config/sections.js';
import { instanceUuidSchema, type InstanceUuid } from '../ids.js';
import { listAllocationCandidates } from '../placement/allocation-candidates.js';
import {
  getHeld,
  getPlacementTime,
  listProviderAllocations,
  postAllocations,
  putAllocations,
  type PlacementHeld,
} from '../placement/allocations.js';
import { openPlacement, type PlacementClient } from '../placement/client.js';
import { isConcurrentUpdate, isPlacementConflict } from '../placement/errors.js';
import { publishProvider } from '../placement/publish-provider.js';
import {
  deleteResourceProvider,
  findResourceProvider,
  getAggregates,
  getInventories,
  getTraits,
  getUsages,
  hasResourceProvider,
  listResourceProviders,
} from '../placement/resource-providers.js';
import { toCandidate } from './candidate.js';
import type { AllocateResult, Capacity, Claim, Held } from './capacity.js';
import { renderQueryWithLimit } from './want.js';

/** Placement has recorded it: there is nothing left to write. */
const RECORDED: Claim = { guards: [], writes: [] };

const RELEASE_ATTEMPTS = 5;

/** Nothing is sent before the first call. */
export const openPlacementCapacity = async (section: PlacementSection): Promise<Capacity> =>
  createPlacementCapacity(await openPlacement(section));

/** Capacity as an OpenStack Placement counts it. https://docs.openstack.org/api-ref/placement/ */
export const createPlacementCapacity = (placement: PlacementClient): Capacity => {
  const read: Capacity['read'] = async (consumer) => toHeld(await getHeld(placement, consumer));

  const releaseHeld = async (consumer: InstanceUuid, held: Held): Promise<'released' | 'changed'> => {
    const result = await attempt(async () =>
      putAllocations(placement, consumer, { ...held, verb: 'release the allocations of', allocations: {} }),
    );
    if (result.outcome === 'no-room') throw result.err;
    return result.outcome === 'busy' ? 'changed' : 'released';
  };

  const releaseAll = async (consumer: InstanceUuid): Promise<'released'> => {
    for (let tried = 1; tried <= RELEASE_ATTEMPTS; tried += 1) {
      const held = await read(consumer);
      if (Object.keys(held.allocations).length === 0) return 'released';
      if ((await releaseHeld(consumer, held)) === 'released') return 'released';
    }
    throw new EcomputeError(
      'ECOMPUTE_PLACEMENT_CONFLICT',
      `could not release the allocations of instance ${consumer}: they keep changing`,
      { retryable: true, hint: 'try again' },
    );
  };

  return {
    endpoint: placement.endpoint,
    isTransactional: false,
    settle: async () => true,
    inTurn: async (claimAndWrite) => claimAndWrite(),
    candidates: async (want, limit) => {
      const reply = await listAllocationCandidates(placement, renderQueryWithLimit(want, limit));
      return {
        candidates: reply.allocation_requests.flatMap((request) => toCandidate(request) ?? []),
        rooms: new Map(
          Object.entries(reply.provider_summaries).map(([provider, { resources }]) => [provider, resources]),
        ),
      };
    },
    allocate: async (requests) => {
      const [only, second] = requests;
      if (!only) return { outcome: 'allocated', claim: RECORDED };
      return attempt(async () =>
        second
          ? postAllocations(placement, requests)
          : putAllocations(placement, only.instance, { ...only, verb: 'allocate for', generation: null }),
      );
    },
    reallocate: async (consumer, { held, allocations }) => {
      const result = await attempt(async () =>
        putAllocations(placement, consumer, { ...held, verb: 'allocate anew for', allocations }),
      );
      if (result.outcome !== 'busy') return result;
      // Placement has one answer for a consumer and for a provider that has changed.
      const isSame = (await read(consumer)).generation === held.generation;
      return isSame ? result : { outcome: 'changed' };
    },
    read,
    release: async (consumer, held) => (held ? releaseHeld(consumer, held) : releaseAll(consumer)),
    releaseWith: async (consumer) => {
      await releaseAll(consumer);
      return RECORDED;
    },
    consumersOn: async (host) => {
      const allocations = await listProviderAllocations(placement, host);
      return new Map(
        Object.entries(allocations).flatMap(([uuid, { resources }]) => {
          const consumer = instanceUuidSchema.safeParse(uuid).data;
          return consumer === undefined ? [] : [[consumer, resources] as const];
        }),
      );
    },
    now: async () => getPlacementTime(placement),
    check: async (host) => {
      await hasResourceProvider(placement, host);
    },
    hosts: async () => listResourceProviders(placement),
    describeHost: async (host, { hasAggregates = false } = {}) => {
      const [{ inventories }, usages, { traits }, { aggregates }] = await Promise.all([
        getInventories(placement, host),
        getUsages(placement, host),
        getTraits(placement, host),
        hasAggregates ? getAggregates(placement, host) : { aggregates: [] },
      ]);
      return { inventories, usages, traits, aggregates };
    },
    generationOf: async (host) => (await findResourceProvider(placement, host))?.generation,
    publish: async (host, offer) => publishProvider(placement, host, offer),
    remove: async (host) => deleteResourceProvider(placement, host),
    close: () => placement.close(),
  };
};

const toHeld = (held: PlacementHeld): Held => ({
  allocations: held.allocations,
  generation: held.consumer_generation ?? null,
  userId: held.user_id,
  projectId: held.project_id,
  consumerType: held.consumer_type,
  since: held.since,
});

/** A conflict is an answer, any other error none. */
const attempt = async (write: () => Promise<void>): Promise<AllocateResult> => {
  try {
    await write();
    return { outcome: 'allocated', claim: RECORDED };
  } catch (err) {
    if (isConcurrentUpdate(err) && err instanceof Error) return { outcome: 'busy', err };
    if (isPlacementConflict(err) && err instanceof Error) return { outcome: 'no-room', err };
    throw err;
  }
};
