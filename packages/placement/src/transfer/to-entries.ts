import { compareTraits } from '../engine/traits.js';
import type { Entities, Kind } from '../model/entities.js';
import { keyOf, markerKeyOf } from '../model/keys.js';
import { type Content, customOf, sumUsed } from './content.js';

/** All keys, relative to the store's prefix, and their values, of which a store with some content consists. @param now in milliseconds since 1970. */
export const entriesOf = (
  { classes, traits, providers, consumers }: Content,
  now: number,
): ReadonlyMap<string, string> => {
  const entries = new Map<string, string>();
  const put = <K extends Kind>(kind: K, id: string, entity: Entities[K]): void => {
    entries.set(keyOf(kind, id), JSON.stringify(entity));
  };
  const times = { createdAt: now, updatedAt: now };
  for (const name of customOf(classes)) put('class', name, times);
  for (const name of customOf(traits)) put('trait', name, times);
  const used = sumUsed(consumers.values());
  for (const { generation, ...provider } of providers.values()) {
    const { uuid, name, parent } = provider;
    put('provider', uuid, { ...provider, traits: provider.traits.toSorted(compareTraits) });
    put('usage', uuid, { generation, used: used.get(uuid) ?? {} });
    put('name', name, { uuid });
    if (parent !== null) put('child', `${parent}/${uuid}`, {});
    if (provider.traits.includes('MISC_SHARES_VIA_AGGREGATE')) entries.set(markerKeyOf('sharing', uuid), '{}');
  }
  for (const consumer of consumers.values()) {
    const { uuid, type, allocations } = consumer;
    if (type !== null) put('type', type, times);
    put('consumer', uuid, consumer);
    for (const provider of Object.keys(allocations)) entries.set(markerKeyOf('holding', `${provider}/${uuid}`), '{}');
  }
  return entries;
};
