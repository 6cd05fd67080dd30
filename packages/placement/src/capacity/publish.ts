import type { HostOffer } from '@etcd-compute/common/capacity/capacity';
import type { Draft } from '../engine/draft.js';
import { replaceInventories } from '../engine/inventories/change-inventories.js';
import { createProvider } from '../engine/providers/create-provider.js';
import { setAggregates } from '../engine/set-aggregates.js';
import { setProviderTraits } from '../engine/provider-traits.js';
import { ensureTrait } from '../engine/traits.js';
import type { Inventory, Provider } from '../model/entities.js';

/**
 * Makes a provider what its host offers. Writes only what differs, and keeps inventories, traits and aggregates that others have put there.
 *
 * @returns whether inventories were written.
 * @throws Refusal.
 */
export const publish = (draft: Draft, uuid: string, offer: HostOffer): boolean => {
  if (!draft.get('provider', uuid)) createProvider(draft, { uuid, name: offer.name, parent: null });
  const { inventories, traits, aggregates } = providerOf(draft, uuid);
  const offered = Object.entries(offer.inventories);
  const isWriting = !offered.every(([name, inventory]) => isSame(inventories[name], inventory));
  if (isWriting) {
    const wanted = offered.map(([name, inventory]) => [
      name,
      { min_unit: 1, step_size: 1, ...inventories[name], ...inventory },
    ]);
    replaceInventories(draft, uuid, {
      inventories: { ...inventories, ...Object.fromEntries(wanted) },
      generation: generationOf(draft, uuid),
      mayReserveAll: true,
    });
  }
  const newTraits = offer.traits.filter((trait) => !traits.includes(trait));
  for (const trait of newTraits) if (trait.startsWith('CUSTOM_')) ensureTrait(draft, trait);
  if (newTraits.length > 0)
    setProviderTraits(draft, uuid, { traits: [...traits, ...newTraits], generation: generationOf(draft, uuid) });
  const newAggregates = offer.aggregates.filter((aggregate) => !aggregates.includes(aggregate));
  if (newAggregates.length > 0)
    setAggregates(draft, uuid, {
      aggregates: [...aggregates, ...newAggregates],
      generation: generationOf(draft, uuid),
    });
  return isWriting;
};

const providerOf = (draft: Draft, uuid: string): Provider => {
  const provider = draft.get('provider', uuid);
  if (!provider) throw new Error(`there is no provider ${uuid}`);
  return provider;
};

const generationOf = (draft: Draft, uuid: string): number => draft.get('usage', uuid)?.generation ?? 0;

const isSame = (held: Inventory | undefined, offered: HostOffer['inventories'][string]): boolean =>
  held?.total === offered.total &&
  held.reserved === offered.reserved &&
  held.allocation_ratio === offered.allocation_ratio &&
  held.max_unit === offered.max_unit;
