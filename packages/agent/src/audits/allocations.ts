import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import { instanceUuidSchema, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import {
  getAllocations,
  listProviderAllocations,
  releaseAllocations,
} from '@etcd-compute/common/placement/allocations';
import type { PlacementClient } from '@etcd-compute/common/placement/client';

/**
 * Allocations on this host without a boot request: a scheduler died between its two writes. They are released when they were
 * seen without one for a grace period, so that a scheduler at work is never robbed. Allocations of consumers that are no
 * instances (another consumer type) are somebody else's.
 */
export interface AllocationAudit {
  /** One look. @returns the instances whose allocations were released. */
  readonly run: () => Promise<InstanceUuid[]>;
}

export interface AllocationAuditDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly placement: PlacementClient;
  readonly host: ProviderUuid;
  readonly graceMs: number;
  readonly now: () => number;
  readonly log: Logger;
}

/** Of our scheduler, and of consumers from before consumer types, as the original's are. */
const OUR_CONSUMER_TYPES: readonly unknown[] = ['INSTANCE', 'unknown', undefined];

export const createAllocationAudit = (deps: AllocationAuditDeps): AllocationAudit => {
  const { store, keys, placement, host, graceMs, now, log } = deps;
  const firstSeen = new Map<InstanceUuid, number>();

  const releaseOrphan = async (instance: InstanceUuid): Promise<boolean> => {
    const held = await getAllocations(placement, instance);
    if (!OUR_CONSUMER_TYPES.includes(held['consumer_type'])) return false;
    // Asked last, so that a request that has just come is seen.
    if (await store.get(keys.request(host, instance))) return false;
    await releaseAllocations(placement, instance);
    log.warn(
      { instanceUuid: instance, resources: held.allocations[host]?.resources },
      'allocation without a boot request released',
    );
    return true;
  };

  return {
    run: async () => {
      const consumers = Object.keys(await listProviderAllocations(placement, host));
      const { entries } = await store.list(keys.requestsOf(host));
      const requested = new Set(entries.map(({ key }) => keys.parseRequest(key)?.instance));
      const orphans = consumers
        .flatMap((consumer) => instanceUuidSchema.safeParse(consumer).data ?? [])
        .filter((instance) => !requested.has(instance));
      for (const instance of firstSeen.keys()) if (!orphans.includes(instance)) firstSeen.delete(instance);
      const released: InstanceUuid[] = [];
      for (const instance of orphans) {
        const since = firstSeen.get(instance) ?? now();
        firstSeen.set(instance, since);
        if (now() - since < graceMs) continue;
        if (await releaseOrphan(instance)) released.push(instance);
        firstSeen.delete(instance);
      }
      return released;
    },
  };
};
