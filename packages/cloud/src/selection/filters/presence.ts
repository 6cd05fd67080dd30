import { LAYOUT } from '@etcd-compute/common/etcd/messages/presence';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { explainAgent } from '../../hosts/explain-agent.js';
import type { SeenAgent } from '../../hosts/presences.js';
import type { Candidate } from '@etcd-compute/common/capacity/capacity';

/** A host that was left out, and why. */
export interface DroppedHost {
  readonly host: ProviderUuid;
  readonly reason: string;
}

export interface FilterResult {
  readonly kept: readonly Candidate[];
  readonly dropped: readonly DroppedHost[];
}

type Agent = Pick<SeenAgent, 'state' | 'trouble' | 'drain' | 'layout'>;

/** An agent of an older version looks for the record of an instance elsewhere. */
export const isOldAgent = ({ layout = 1 }: Pick<SeenAgent, 'layout'>): boolean => layout < LAYOUT;

const whyNot = (agent: Agent | undefined): string | undefined =>
  explainAgent(agent) ?? (agent && isOldAgent(agent) ? 'its agent is of an older version: upgrade it' : undefined);

/** Leaves out hosts whose agent is not there, cannot work or is too old: a boot request would wait there for nobody. */
export const filterByPresence = (
  candidates: readonly Candidate[],
  agents: ReadonlyMap<ProviderUuid, Agent>,
): FilterResult => {
  const kept: Candidate[] = [];
  const dropped = new Map<ProviderUuid, DroppedHost>();
  for (const candidate of candidates) {
    const { host } = candidate;
    const reason = whyNot(agents.get(host));
    if (reason === undefined) kept.push(candidate);
    else dropped.set(host, { host, reason });
  }
  return { kept, dropped: [...dropped.values()] };
};
