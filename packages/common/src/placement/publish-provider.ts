import { retry } from '../async/retry.js';
import type { HostOffer } from '../capacity/capacity.js';
import type { ProviderUuid } from '../ids.js';
import type { PlacementClient } from './client.js';
import { isConcurrentUpdate } from './errors.js';
import {
  ensureResourceProvider,
  ensureTrait,
  getAggregates,
  getInventories,
  getTraits,
  putAggregates,
  putInventories,
  putTraits,
  type Inventories,
} from './resource-providers.js';

const ATTEMPTS = 5;

/**
 * Makes Placement hold what a host has. Repeatable; writes only what differs, and keeps inventories, traits and aggregates that others
 * have put there. When the generation changes meanwhile, it is read again.
 *
 * @returns whether inventories were written.
 */
export const publishProvider = async (
  placement: PlacementClient,
  host: ProviderUuid,
  offer: HostOffer,
): Promise<boolean> =>
  retry(async () => publishOnce(placement, host, offer), {
    isWorthIt: (err, attempt) => isConcurrentUpdate(err) && attempt < ATTEMPTS,
  });

const publishOnce = async (placement: PlacementClient, host: ProviderUuid, offer: HostOffer): Promise<boolean> => {
  await ensureResourceProvider(placement, { uuid: host, name: offer.name });
  const current = await getInventories(placement, host);
  const isWriting = !isSame(current, offer.inventories);
  if (isWriting)
    await putInventories(placement, host, {
      inventories: { ...current.inventories, ...offer.inventories },
      generation: current.resource_provider_generation,
    });
  if (offer.traits.length > 0) await publishTraits(placement, host, offer.traits);
  if (offer.aggregates.length > 0) await publishAggregates(placement, host, offer.aggregates);
  return isWriting;
};

const isSame = (current: Inventories, offered: HostOffer['inventories']): boolean =>
  Object.entries(offered).every(([resourceClass, inventory]) => {
    const held = current.inventories[resourceClass];
    return (
      held?.total === inventory.total &&
      held.reserved === inventory.reserved &&
      held.allocation_ratio === inventory.allocation_ratio &&
      held.max_unit === inventory.max_unit
    );
  });

const publishTraits = async (
  placement: PlacementClient,
  host: ProviderUuid,
  wanted: readonly string[],
): Promise<void> => {
  const { traits, resource_provider_generation: generation } = await getTraits(placement, host);
  const missing = wanted.filter((trait) => !traits.includes(trait));
  if (missing.length === 0) return;
  for (const trait of missing) if (trait.startsWith('CUSTOM_')) await ensureTrait(placement, trait);
  await putTraits(placement, host, { traits: [...traits, ...missing], generation });
};

const publishAggregates = async (
  placement: PlacementClient,
  host: ProviderUuid,
  wanted: readonly string[],
): Promise<void> => {
  const { aggregates, resource_provider_generation: generation } = await getAggregates(placement, host);
  const missing = wanted.filter((aggregate) => !aggregates.includes(aggregate));
  if (missing.length > 0) await putAggregates(placement, host, { aggregates: [...aggregates, ...missing], generation });
};
