import type { Candidate, Claim, NewAllocation } from '@etcd-compute/common/capacity/capacity';
import { EcomputeError, toError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';
import type { FoundHosts } from './candidates.js';
import { requestNotWritten } from './placing-errors.js';
import type { InstanceSpec } from './write-request.js';

/** Placement gives up on a busy provider with a 409 that says so; the host itself may well have room. */
const BUSY_ATTEMPTS = 5;

export interface AllocateOptions {
  readonly hosts: FoundHosts;
  readonly spec: InstanceSpec;
  /** Grows by each host that refuses. */
  readonly dropped: Map<ProviderUuid, string>;
  readonly onRefusal: (err: Error) => void;
}

export const allocationOf = (spec: InstanceSpec, { allocations, mappings }: Candidate): NewAllocation => {
  const { instance, user, project } = spec;
  return { instance, allocations, mappings, userId: user, projectId: project };
};

/** Allocates on the best candidate with room. @returns undefined when there is none. */
export const allocateOne = async (
  services: Services,
  options: AllocateOptions,
): Promise<{ candidate: Candidate; claim: Claim } | undefined> => {
  const { hosts, spec, dropped, onRefusal } = options;
  const capacity = await services.capacity();
  const isExcluded = new Set(dropped.keys());
  for (let busy = 0; ;) {
    const candidate = hosts.pool.take(isExcluded);
    if (!candidate) return undefined;
    try {
      const result = await capacity.allocate([allocationOf(spec, candidate)]);
      if (result.outcome === 'allocated') return { candidate, claim: result.claim };
      hosts.pool.giveBack(candidate);
      onRefusal(result.err);
      busy += result.outcome === 'busy' ? 1 : BUSY_ATTEMPTS;
      if (busy < BUSY_ATTEMPTS) continue;
      busy = 0;
      isExcluded.add(candidate.host);
      dropped.set(candidate.host, `its room was taken meanwhile: ${result.err.message}`);
    } catch (thrown) {
      hosts.pool.giveBack(candidate);
      throw await undoUncertain(services, { spec, candidate, err: toError(thrown) });
    }
  }
};

/** The reply may be what was lost: releases what Placement may hold. @returns the error to throw. */
export const undoUncertain = async (
  services: Services,
  { spec, candidate, err }: { spec: InstanceSpec; candidate: Candidate; err: Error },
): Promise<Error> => {
  const isUncertain = err instanceof EcomputeError && err.retryable;
  // Once is enough: the first error says why Placement cannot be asked.
  if (!isUncertain || (await isReleased(services, spec))) return err;
  return requestNotWritten({ spec, host: candidate.host, err, isReleased: false });
};

/**
 * Releases what was allocated and is not used. What matters is the error that led here.
 *
 * @returns whether nothing is known to be held.
 */
export const isReleased = async (services: Services, { instance }: InstanceSpec): Promise<boolean> => {
  try {
    const capacity = await services.capacity();
    if (!capacity.isTransactional) await capacity.release(instance);
    return true;
  } catch {
    return false;
  }
};
