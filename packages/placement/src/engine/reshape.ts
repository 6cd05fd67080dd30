import type { ConsumerRequest } from './allocations/consumer-request.js';
import { allocate, checkRequests } from './allocations/replace-allocations.js';
import type { Draft } from './draft.js';
import { refuseUnknownClasses, type Inventories, writeInventories } from './inventories/write-inventories.js';
import { getProviderToChange } from './providers/get-provider.js';
import { Refusal } from './refusal.js';

export interface ReshapedProvider {
  readonly uuid: string;
  readonly generation: number;
  /** All it shall have. */
  readonly inventories: Inventories;
}

/**
 * Moves inventories, and what is allocated of them, between providers, all or nothing. In three steps, each of which counts generations
 * up: what comes is added, the allocations are replaced, what goes is taken away.
 *
 * @throws Refusal bad-request for what does not exist, conflict for another generation, what does not fit or what is still in use.
 */
export const reshape = (
  draft: Draft,
  providers: readonly ReshapedProvider[],
  requests: readonly ConsumerRequest[],
): void => {
  for (const provider of providers) checkProvider(draft, provider);
  const changes = checkRequests(draft, requests);
  for (const { uuid, inventories } of providers) {
    refuseUnknownClasses(draft, Object.keys(inventories), { prefix: 'malformed reshaper data: ' });
    if (Object.keys(inventories).length === 0) continue;
    const changed = getProviderToChange(draft, uuid);
    writeInventories(draft, changed, { ...changed.provider.inventories, ...inventories });
  }
  allocate(draft, changes);
  for (const { uuid, inventories } of providers) writeInventories(draft, getProviderToChange(draft, uuid), inventories);
};

const checkProvider = (draft: Draft, { uuid, generation }: ReshapedProvider): void => {
  if (!draft.get('provider', uuid))
    throw new Refusal(
      'bad-request',
      `Resource provider ${uuid} in inventories not found: No resource provider with uuid ${uuid} found`,
      'placement.resource_provider.not_found',
    );
  const actual = getProviderToChange(draft, uuid).usage.generation;
  if (actual !== generation)
    throw new Refusal(
      'conflict',
      `resource provider generation conflict for provider ${uuid}: actual: ${actual}, given: ${generation}`,
      'placement.concurrent_update',
    );
};
