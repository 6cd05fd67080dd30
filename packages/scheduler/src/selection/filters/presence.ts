import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Candidate } from '../candidate.js';

/** A host that was left out, and why. */
export interface DroppedHost {
  readonly host: ProviderUuid;
  readonly reason: string;
}

export interface FilterResult {
  readonly kept: readonly Candidate[];
  readonly dropped: readonly DroppedHost[];
}

/** Leaves out hosts whose agent is not there: a boot request would wait there for nobody. */
export const filterByPresence = (
  candidates: readonly Candidate[],
  agents: ReadonlyMap<ProviderUuid, { readonly state: 'up' | 'draining' }>,
): FilterResult => {
  const kept: Candidate[] = [];
  const dropped = new Map<ProviderUuid, DroppedHost>();
  for (const candidate of candidates) {
    const { host } = candidate;
    const presence = agents.get(host);
    if (presence?.state === 'up') kept.push(candidate);
    else dropped.set(host, { host, reason: presence ? 'its agent is draining' : 'its agent is down' });
  }
  return { kept, dropped: [...dropped.values()] };
};
