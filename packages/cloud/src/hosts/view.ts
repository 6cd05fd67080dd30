import type { HostFacts, KnownHost } from '@etcd-compute/common/capacity/capacity';
import type { DrainNotice } from '@etcd-compute/common/etcd/messages/drain';
import type { SeenAgent } from './presences.js';
import { isLocked } from '../selection/explain-host.js';

/** A host as `-o json` shows it. Scripts rely on every name in it. */
export interface HostView {
  readonly host: string;
  readonly name: string;
  /** `draining`: it takes nothing new, and something is there; `drained`: nothing is. */
  readonly state: 'up' | 'down' | 'draining' | 'drained';
  /** The wish of an operator that it takes nothing new. Null while its agent is only about to stop. */
  readonly drain: { readonly since: string; readonly reason: string | null } | null;
  /** Why it cannot work though its agent is there. */
  readonly trouble: { readonly code: string; readonly since: string; readonly message: string } | null;
  readonly resources: Readonly<
    Record<
      string,
      { readonly total: number; readonly reserved: number; readonly used: number; readonly allocationRatio: number }
    >
  >;
  readonly traits: readonly string[];
  /** How many instances are there or are wished there. */
  readonly instances: number;
  readonly agent: { readonly version: string; readonly session: string; readonly startedAt: string } | null;
}

export interface HostViewOptions {
  readonly provider: KnownHost;
  readonly facts: HostFacts;
  readonly presence: SeenAgent | undefined;
  readonly drain: DrainNotice | undefined;
  readonly instances: number;
}

const stateOf = ({ facts, presence, drain, instances }: HostViewOptions): HostView['state'] => {
  if (!presence) return 'down';
  // Until its agent heeds the drain, more may come.
  const isEmpty = instances === 0 && Object.values(facts.usages).every((used) => used === 0);
  if (drain) return presence.drain && isEmpty ? 'drained' : 'draining';
  return presence.state === 'draining' || isLocked(facts.inventories) ? 'draining' : 'up';
};

const troubleOf = ({ code, since, message }: NonNullable<SeenAgent['trouble']>): HostView['trouble'] => ({
  code,
  since,
  message,
});

export const viewOfHost = (options: HostViewOptions): HostView => {
  const { provider, facts, presence, drain, instances } = options;
  const resources = Object.entries(facts.inventories).map(([name, { total, reserved, allocation_ratio }]) => [
    name,
    { total, reserved, used: facts.usages[name] ?? 0, allocationRatio: allocation_ratio },
  ]);
  return {
    host: provider.uuid,
    name: presence?.hostname ?? provider.name,
    state: stateOf(options),
    drain: drain ? { since: drain.since, reason: drain.reason } : null,
    trouble: presence?.trouble ? troubleOf(presence.trouble) : null,
    resources: Object.fromEntries(resources),
    traits: facts.traits.toSorted(),
    instances,
    agent: presence
      ? { version: presence.agent_version, session: presence.session, startedAt: presence.started_at }
      : null,
  };
};
