import { setAggregates } from '@etcd-compute/placement/engine/set-aggregates';
import { replaceAllocations } from '@etcd-compute/placement/engine/allocations/replace-allocations';
import { setProviderTraits } from '@etcd-compute/placement/engine/provider-traits';
import { createResourceClass } from '@etcd-compute/placement/engine/resource-classes';
import { ensureTrait } from '@etcd-compute/placement/engine/traits';
import { contentOf } from '@etcd-compute/placement/transfer/content';
import { entriesOf } from '@etcd-compute/placement/transfer/to-entries';
import { expect, test } from 'vitest';
import { aRequest, aWorld } from '../a-world.js';

test('entries of a content are, key by key, what the rules have written to make it', () => {
  const world = aWorld();
  world.write((draft) => createResourceClass(draft, 'CUSTOM_GPU'));
  world.write((draft) => void ensureTrait(draft, 'CUSTOM_FAST'));
  world.provider('host', { has: { VCPU: 8, MEMORY_MB: 4096 } });
  world.provider('numa', { parent: 'host', has: { CUSTOM_GPU: 2 } });
  world.provider('pool', { has: { DISK_GB: 1000 } });
  const share = ['MISC_SHARES_VIA_AGGREGATE', 'CUSTOM_FAST'];
  world.write((draft) => setProviderTraits(draft, 'pool', { traits: share, generation: 1 }));
  world.write((draft) => setAggregates(draft, 'pool', { aggregates: ['near'], generation: 2 }));
  world.allocate('untyped', { host: { VCPU: 1 }, pool: { DISK_GB: 10 } });
  const typed = aRequest('typed', { type: 'INSTANCE', allocations: { host: { VCPU: 2 }, numa: { CUSTOM_GPU: 1 } } });
  world.write((draft) => replaceAllocations(draft, [typed]));
  world.allocate('gone', { host: { VCPU: 1 } });
  world.allocate('gone', {});

  const parsed = (entries: Iterable<readonly [string, string]>): Map<string, unknown> =>
    new Map([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, JSON.parse(value)]));
  expect(parsed(entriesOf(contentOf(world.view), 0))).toEqual(parsed(world.stored));
});
