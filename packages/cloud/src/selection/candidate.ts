import { providerUuidSchema, type ProviderUuid } from '@etcd-compute/common/ids';
import type { AllocationRequest } from '@etcd-compute/common/placement/allocation-candidates';

/** One way to place an instance, as Placement offers it, and the host that would run it. */
export interface Candidate {
  readonly host: ProviderUuid;
  readonly request: AllocationRequest;
}

/** What is left on a provider, by resource class. */
export type Room = Readonly<Record<string, { readonly capacity: number; readonly used: number }>>;

/**
 * The host of allocations: the provider of its VCPUs. Disk may come from a provider that several hosts share; where
 * there is no VCPU at all, it is the first provider, as in the original.
 */
export const hostOfAllocations = (allocations: AllocationRequest['allocations']): ProviderUuid | undefined => {
  const entries = Object.entries(allocations);
  const [provider] = entries.find(([, { resources }]) => 'VCPU' in resources) ?? entries[0] ?? [];
  return provider === undefined ? undefined : providerUuidSchema.parse(provider);
};

export const toCandidate = (request: AllocationRequest): Candidate | undefined => {
  const host = hostOfAllocations(request.allocations);
  return host === undefined ? undefined : { host, request };
};

/** All that an allocation request takes, by resource class, over all its providers. */
export const totalResources = (request: AllocationRequest): Record<string, number> => {
  const total: Record<string, number> = {};
  for (const { resources } of Object.values(request.allocations))
    for (const [name, amount] of Object.entries(resources)) total[name] = (total[name] ?? 0) + amount;
  return total;
};
