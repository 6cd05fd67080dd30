import type { Logger } from '@etcd-compute/common/log';
import type { AgentConfig } from '../config/config.js';
import { isMetadataOn } from '../config/metadata.js';
import { planNetwork } from './address-plan.js';
import { bridgeTable } from './bridge-table.js';
import { withoutContained } from '@etcd-compute/common/cidr';
import { createNameWatch, listForbidden } from './forbidden.js';
import { METADATA_ADDRESS } from './ip.js';
import { planIpv6 } from './ipv6-plan.js';
import { renderRemoval, renderTable, type Table } from './nft-table.js';
import type { GuestPort } from './ports.js';
import { arpTable, reachTable } from './reach-rules.js';

export type FilterConfig = Pick<AgentConfig, 'network' | 'metadata' | 'etcd' | 'placement' | 'period'>;

/** The nftables tables for the config. They are named after the network, so agents with other networks have other tables. */
export interface FilterTables {
  /** The one with an element per guest; undefined when the config does not need it. */
  readonly guestTable: (ports: readonly GuestPort[]) => Table | undefined;
  /** @param bridge the managed network's. */
  readonly all: (ports: readonly GuestPort[], bridge: string | undefined) => Promise<Table[]>;
  /** Replaces all tables of this network. */
  readonly render: (tables: readonly Table[]) => string;
}

const FAMILIES = ['arp', 'bridge', 'inet'] as const;

const tableNameOf = (networkName: string): string => `ecompute-${networkName}`;

/** Removes all tables of this network. Repeatable. */
export const removalOf = (networkName: string): string =>
  FAMILIES.map((family) => renderRemoval({ family, name: tableNameOf(networkName) })).join('');

export const createFilterTables = (config: FilterConfig, log: Logger): FilterTables => {
  const { manage, cidr, cidr6, filter, allow, deny } = config.network;
  const name = tableNameOf(config.network.name);
  const plan = manage ? planNetwork(cidr) : undefined;
  const hasMarks = filter === 'full';
  const resolve = createNameWatch({ everyMs: config.period * 1000, log, now: Date.now });
  const guestTable = (ports: readonly GuestPort[]): Table | undefined =>
    hasMarks ? bridgeTable(name, ports, { plan, cidr6 }) : undefined;
  const reachTables = async (bridge: string): Promise<Table[]> => {
    const gateways = [planNetwork(cidr), ...(cidr6 === undefined ? [] : [planIpv6(cidr6)])];
    const reach = reachTable({
      table: name,
      bridge,
      gateways: gateways.map(({ gateway }) => gateway),
      metadataAddress: isMetadataOn(config) ? METADATA_ADDRESS : undefined,
      hasMarks,
      allow: withoutContained(allow),
      deny: await listForbidden({ deny, etcd: config.etcd, placement: config.placement, bridge }, resolve),
    });
    return hasMarks ? [reach, arpTable({ table: name, bridge })] : [reach];
  };
  return {
    guestTable,
    all: async (ports, bridge) => {
      const guests = guestTable(ports);
      return [...(guests ? [guests] : []), ...(bridge === undefined ? [] : await reachTables(bridge))];
    },
    render: (tables) => [removalOf(config.network.name), ...tables.map(renderTable)].join(''),
  };
};
