import { z } from 'zod';
import type { PlacementClient } from './client.js';

/** https://docs.openstack.org/api-ref/placement/#list-allocation-candidates */
const candidatesSchema = z.looseObject({
  allocation_requests: z.array(
    z.looseObject({
      allocations: z.record(z.guid(), z.looseObject({ resources: z.record(z.string(), z.int()) })),
      mappings: z.unknown().optional(),
    }),
  ),
  provider_summaries: z.record(
    z.guid(),
    z.looseObject({
      resources: z.record(z.string(), z.looseObject({ capacity: z.int(), used: z.int() })),
      traits: z.array(z.string()).optional(),
    }),
  ),
});
export type AllocationCandidates = z.output<typeof candidatesSchema>;
export type AllocationRequest = AllocationCandidates['allocation_requests'][number];
export type ProviderSummary = AllocationCandidates['provider_summaries'][string];

/**
 * @param query the query string as Placement takes it, such as `resources=VCPU:1&required=HW_CPU_X86_AVX&limit=10`. It should
 *   always have a `limit`: without one the reply grows with the fleet.
 */
export const listAllocationCandidates = async (
  placement: PlacementClient,
  query: string,
): Promise<AllocationCandidates> =>
  placement.send({
    method: 'GET',
    path: `/allocation_candidates?${query}`,
    verb: `find candidates for ${query}`,
    schema: candidatesSchema,
  });
