import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { PlacementClient } from '@etcd-compute/common/placement/client';
import { getAggregates, getInventories, getTraits, getUsages } from '@etcd-compute/common/placement/resource-providers';
import type { HostFacts } from '../selection/explain-host.js';

/** What Placement holds about one host, in four questions at once. */
export const readFacts = async (placement: PlacementClient, host: ProviderUuid): Promise<HostFacts> => {
  const [{ inventories }, usages, { traits }, { aggregates }] = await Promise.all([
    getInventories(placement, host),
    getUsages(placement, host),
    getTraits(placement, host),
    getAggregates(placement, host),
  ]);
  return { inventories, usages, traits, aggregates };
};
