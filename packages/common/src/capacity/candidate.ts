import { providerUuidSchema, type ProviderUuid } from '../ids.js';
import type { Allocations, Candidate } from './capacity.js';

/**
 * The host of allocations: the provider of its VCPUs. Disk may come from a provider that several hosts share; where
 * there is no VCPU at all, it is the first provider, as in the original.
 */
export const hostOfAllocations = (allocations: Allocations): ProviderUuid | undefined => {
  const entries = Object.entries(allocations);
  const [provider] = entries.find(([, { resources }]) => 'VCPU' in resources) ?? entries[0] ?? [];
  return provider === undefined ? undefined : providerUuidSchema.parse(provider);
};

/** Undefined where nothing is allocated. */
export const toCandidate = ({
  allocations,
  mappings,
}: {
  readonly allocations: Allocations;
  readonly mappings?: unknown;
}): Candidate | undefined => {
  const host = hostOfAllocations(allocations);
  return host === undefined ? undefined : { host, allocations, ...(mappings !== undefined && { mappings }) };
};

/** All that allocations take, by resource class, over all their providers. */
export const totalResources = (allocations: Allocations): Record<string, number> => {
  const total: Record<string, number> = {};
  for (const { resources } of Object.values(allocations))
    for (const [name, amount] of Object.entries(resources)) total[name] = (total[name] ?? 0) + amount;
  return total;
};
