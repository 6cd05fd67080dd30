import pLimit from 'p-limit';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { KnownHost, Want } from '@etcd-compute/common/capacity/capacity';
import { formatWant, renderQuery } from '@etcd-compute/common/capacity/want';
import type { Services } from '../services.js';
import { explainAgent } from '../hosts/explain-agent.js';
import { readPresences } from '../hosts/presences.js';
import { explainHost } from '../selection/explain-host.js';
import type { DroppedHost } from '../selection/filters/presence.js';

/** Up to this many hosts are explained one by one: each takes four questions to Placement. */
const MAX_EXPLAINED = 50;
const PARALLEL = 8;

export interface HostReasons {
  readonly host: ProviderUuid;
  readonly name: string;
  readonly reasons: readonly string[];
}

export interface NoHostOptions {
  readonly services: Services;
  readonly want: Want;
  /** Hosts that Placement offered, and why they were left out. */
  readonly dropped: readonly DroppedHost[];
  /** How many instances were asked for, and how many of them have no host. */
  readonly asked: number;
  readonly unplaced: number;
}

/** The error for instances that no host takes: it says of every host why, with numbers. */
export const noHostError = async (options: NoHostOptions): Promise<EcomputeError> => {
  const { services, want, asked, unplaced } = options;
  const what =
    asked === 1 ? 'the instance' : unplaced === asked ? `${asked} instances` : `${unplaced} of ${asked} instances`;
  const capacity = await services.capacity();
  const providers = await capacity.hosts();
  const hosts = await explainAll(options, providers);
  const lines = hosts.map(({ name, reasons }) => `\n  ${name}: ${reasons.join('; ')}`);
  const silent = providers.length - hosts.length;
  if (silent > 0 && providers.length > MAX_EXPLAINED) lines.push(`\n  ${silent} more hosts lack room`);
  if (providers.length === 0) lines.push('\n  Placement knows no host at all');
  const { entries: agents } = await (await services.store()).listKeys(services.keys.agents);
  return new EcomputeError(
    'ECOMPUTE_NO_CANDIDATES',
    `no host has room for ${what} (${formatWant(want)} each)${lines.join('')}`,
    {
      details: { asked, unplaced, query: renderQuery(want), hosts },
      hint:
        agents.length === 0
          ? 'no agent is running: start `ecompute` on a host'
          : 'ask for less, destroy instances, or start `ecompute` on another host',
    },
  );
};

const explainAll = async (
  { services, want, dropped }: NoHostOptions,
  providers: readonly KnownHost[],
): Promise<HostReasons[]> => {
  const reasons = new Map(dropped.map(({ host, reason }) => [host, reason]));
  const capacity = await services.capacity();
  const bounded = pLimit(PARALLEL);
  const hasAggregates = (want.memberOf ?? []).length > 0;
  const areAllRead = providers.length <= MAX_EXPLAINED;
  const explainable = providers.filter(({ uuid }) => areAllRead || reasons.has(uuid));
  const presences = await readPresences(
    services,
    explainable.map(({ uuid }) => uuid),
  );
  return Promise.all(
    explainable.map(async ({ uuid, name }) => {
      const host = { host: uuid, name: presences.get(uuid)?.hostname ?? name };
      const known = reasons.get(uuid);
      if (!areAllRead) return { ...host, reasons: known === undefined ? [] : [known] };
      const facts = explainHost(want, await bounded(() => capacity.describeHost(uuid, { hasAggregates })));
      // Numbers first; what several instances or groups of resources ask for together is known to Placement alone.
      const about = explainAgent(presences.get(uuid));
      const fallback = known ?? about ?? 'Placement offers no room there';
      return {
        ...host,
        reasons: facts.length === 0 ? [fallback] : [...facts, ...(about === undefined ? [] : [about])],
      };
    }),
  );
};
