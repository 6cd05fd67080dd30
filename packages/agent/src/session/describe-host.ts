import { LAYOUT, REQUEST_MEMBERS, type GivenSubnet, type Presence } from '@etcd-compute/common/etcd/messages/presence';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { WISH_KINDS } from '@etcd-compute/common/wishes/kinds';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { AgentConfig } from '../config/config.js';
import { identifyThisProcess } from '../process/process-identity.js';
import { VERSION } from '../process/version.js';

export interface DescribeOptions {
  readonly config: AgentConfig;
  readonly host: ProviderUuid;
  readonly session: Presence['session'];
  readonly drain: Presence['drain'];
  /** Those that guests can be on. */
  readonly networks: readonly string[];
  /** What guests are given there. */
  readonly subnets: readonly GivenSubnet[];
}

/** The presence that this process shows. */
export const describeHost = async (
  connection: Connection,
  { config, host, session, drain, networks, subnets }: DescribeOptions,
): Promise<Presence> => {
  const version = await connection.getVersion();
  return {
    version: 1,
    host,
    hostname: config.name,
    session,
    layout: LAYOUT,
    wishes: Object.keys(WISH_KINDS),
    members: [...REQUEST_MEMBERS],
    networks: [...networks],
    subnets: [...subnets],
    state: drain ? 'draining' : 'up',
    trouble: null,
    drain,
    agent_version: VERSION,
    hypervisor: {
      type: await connection.getType(),
      version: [version / 1_000_000, (version / 1_000) % 1_000, version % 1_000].map(Math.floor).join('.'),
      uri: config.libvirt.uri,
    },
    started_at: new Date().toISOString(),
    process: await identifyThisProcess(),
  };
};
