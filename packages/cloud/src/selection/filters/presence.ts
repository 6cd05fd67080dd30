import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { LAYOUT, REQUEST_MEMBERS, type RequestMember } from '@etcd-compute/common/etcd/messages/presence';
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

type Agent = Pick<SeenAgent, 'state' | 'trouble' | 'drain' | 'layout' | 'members' | 'networks'>;

/** An agent of an older version looks for the record of an instance elsewhere. */
export const isOldAgent = ({ layout = 1 }: Pick<SeenAgent, 'layout'>): boolean => layout < LAYOUT;

/** What an instance needs of the agent of its host. */
export interface AgentNeeds {
  /** Members of its boot request that an agent of an older version would pass over. */
  readonly members?: readonly RequestMember[];
  readonly networks?: readonly string[];
}

/** What a boot request that was written already needs of the agent of another host. */
export const needsOfRequest = (request: BootRequest): AgentNeeds => ({
  members: REQUEST_MEMBERS.filter((member) => request[member] !== undefined),
  networks: request.nics?.map(({ network }) => network) ?? [],
});

const TOO_OLD = 'its agent is of an older version: upgrade it';

const whyNot = (agent: Agent | undefined, { members = [], networks = [] }: AgentNeeds): string | undefined => {
  const trouble = explainAgent(agent);
  if (trouble !== undefined || !agent) return trouble;
  const seesTo = new Set(agent.members);
  if (isOldAgent(agent) || members.some((member) => !seesTo.has(member))) return TOO_OLD;
  const { networks: there = [] } = agent;
  const missing = networks.filter((network) => !there.includes(network));
  return missing.length === 0 ? undefined : `lacks network ${missing.join(', ')}; it has ${there.join(', ')}`;
};

/** Leaves out hosts whose agent is not there, cannot work or is too old: a boot request would wait there for nobody. */
export const filterByPresence = (
  candidates: readonly Candidate[],
  agents: ReadonlyMap<ProviderUuid, Agent>,
  needs: AgentNeeds = {},
): FilterResult => {
  const kept: Candidate[] = [];
  const dropped = new Map<ProviderUuid, DroppedHost>();
  for (const candidate of candidates) {
    const { host } = candidate;
    const reason = whyNot(agents.get(host), needs);
    if (reason === undefined) kept.push(candidate);
    else dropped.set(host, { host, reason });
  }
  return { kept, dropped: [...dropped.values()] };
};
