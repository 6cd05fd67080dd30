import type { ProviderUuid } from '@etcd-compute/common/ids';
import { explainAgent } from '../../hosts/explain-agent.js';
import type { SeenAgent } from '../../hosts/presences.js';
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

/** Leaves out hosts whose agent is not there, or cannot work: a boot request would wait there for nobody. */
export const filterByPresence = (
  candidates: readonly Candidate[],
  agents: ReadonlyMap<ProviderUuid, Pick<SeenAgent, 'state' | 'trouble'>>,
): FilterResult => {
  const kept: Candidate[] = [];
  const dropped = new Map<ProviderUuid, DroppedHost>();
  for (const candidate of candidates) {
    const { host } = candidate;
    const reason = explainAgent(agents.get(host));
    if (reason === undefined) kept.push(candidate);
    else dropped.set(host, { host, reason });
  }
  return { kept, dropped: [...dropped.values()] };
};
