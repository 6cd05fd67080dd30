import { sleep } from '@etcd-compute/common/async/sleep';
import type { Want } from '@etcd-compute/common/capacity/capacity';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';
import { readPresences, type Presences } from '../hosts/presences.js';
import {
  filterByPresence,
  isOldAgent,
  type AgentNeeds,
  type DroppedHost,
  type FilterResult,
} from '../selection/filters/presence.js';
import { createHostPool, type HostPool } from '../selection/host-pool.js';
import type { Strategy } from '../selection/strategies.js';

/** Enough to weigh among, and a small reply even of a large fleet. */
const LIMIT = 32;
const MAX_LIMIT = 1_000;

/** A connection within a data centre is up in this time. */
const HEAD_START_MS = 2;

export interface FindOptions {
  readonly services: Services;
  readonly want: Want;
  readonly strategy: Strategy;
  /** How many instances will be placed from the answer. */
  readonly count: number;
  /** False lets hosts without an agent of ours pass: the original's agent leaves no sign of life. */
  readonly needsPresence: boolean;
  /** Hosts whose agents lack one of these do not do, and then nor do those without an agent of ours. */
  readonly needs?: AgentNeeds;
  /** Why a host does not do for a reason of the caller's; undefined when it does. */
  readonly refuses?: ((host: ProviderUuid) => string | undefined) | undefined;
}

export interface FoundHosts {
  readonly pool: HostPool;
  readonly presences: Presences;
  /** Hosts that Placement offered and that were left out. */
  readonly dropped: readonly DroppedHost[];
  /** Not all agents are upgraded yet. */
  readonly hasOldAgents: boolean;
}

/** Asks Placement for hosts with room, and leaves out those whose agent is not there. */
export const findHosts = async (options: FindOptions): Promise<FoundHosts> => {
  const limit = Math.min(MAX_LIMIT, Math.max(LIMIT, 2 * options.count));
  const found = await askOnce(options, limit);
  // All that came within the limit have no agent; one beyond it may.
  const isCutOff = found.pool.size === 0 && found.dropped.length > 0 && found.offered >= limit && limit < MAX_LIMIT;
  return isCutOff ? askOnce(options, MAX_LIMIT) : found;
};

const askOnce = async (options: FindOptions, limit: number): Promise<FoundHosts & { offered: number }> => {
  const { services, want, strategy, needsPresence, needs, refuses } = options;
  const asked = services.capacity().then(async (capacity) => capacity.candidates(want, limit));
  // Loading etcd's client blocks for longer than Placement needs to answer: first let the question leave.
  await Promise.race([asked, sleep(HEAD_START_MS)]);
  const [{ candidates, rooms }] = await Promise.all([asked, services.store()]);
  const presences = await readPresences(
    services,
    candidates.map(({ host }) => host),
  );
  performance.mark('cloud:candidates');
  const there =
    needsPresence || needs?.members?.length
      ? filterByPresence(candidates, presences, needs)
      : { kept: candidates, dropped: [] };
  const { kept, dropped } = refuses ? leaveOut(there, refuses) : there;
  const pool = createHostPool({ candidates: kept, rooms, strategy, random: Math.random });
  const hasOldAgents = [...presences.values()].some(isOldAgent);
  return { pool, presences, dropped, hasOldAgents, offered: candidates.length };
};

const leaveOut = (
  { kept, dropped }: FilterResult,
  refuses: (host: ProviderUuid) => string | undefined,
): FilterResult => {
  const refused = kept.flatMap(({ host }): DroppedHost[] => {
    const reason = refuses(host);
    return reason === undefined ? [] : [{ host, reason }];
  });
  const isRefused = new Set(refused.map(({ host }) => host));
  return { kept: kept.filter(({ host }) => !isRefused.has(host)), dropped: [...dropped, ...refused] };
};
