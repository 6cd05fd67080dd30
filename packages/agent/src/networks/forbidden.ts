import { lookup } from 'node:dns/promises';
import type { EtcdSection, PlacementSection } from '@etcd-compute/common/config/sections';
import type { Logger } from '@etcd-compute/common/log';
import { etcdServers } from '@etcd-compute/common/config/etcd-servers';
import { parseNetwork, withoutContained } from '@etcd-compute/common/cidr';
import { listAttachedNetworks, type AttachedNetwork } from './ip.js';

/*
 * What guests may not reach besides the host itself: what the config denies, etcd and Placement, and every network that this host is directly
 * attached to, except the guests' own.
 */

export interface ForbiddenOptions {
  readonly deny: readonly string[];
  readonly etcd: EtcdSection;
  readonly placement: Pick<PlacementSection, 'backend' | 'endpoint'>;
  /** The guests' own bridge. */
  readonly bridge: string;
}

/** Clouds serve metadata here, perhaps to this host too. Routers must not forward these addresses. */
const LINK_LOCAL = '169.254.0.0/16';

/** A route with a shorter prefix, such as a VPN's, leads to the rest of the world, not to neighbours. */
const SHORTEST_PREFIX = { ipv4: 8, ipv6: 16 } as const;

const isNeighbourhood = ({ cidr }: AttachedNetwork): boolean => {
  const [address, prefix] = parseNetwork(cidr);
  return prefix >= SHORTEST_PREFIX[address.kind()];
};

const serversOf = ({ etcd, placement }: ForbiddenOptions): string[] => [
  ...etcdServers(etcd).map(({ host }) => host),
  ...(placement.backend === 'service' ? [new URL(placement.endpoint).hostname.replaceAll(/^\[|\]$/g, '')] : []),
];

export interface NameWatchOptions {
  /** How long an answer stays valid. */
  readonly everyMs: number;
  readonly log: Logger;
  readonly now: () => number;
}

/** Resolves names. A name that cannot be resolved keeps its last known addresses. */
export const createNameWatch = ({ everyMs, log, now }: NameWatchOptions) => {
  const known = new Map<string, { readonly addresses: readonly string[]; readonly atMs: number }>();
  const resolve = async (name: string): Promise<readonly string[]> => {
    const before = known.get(name);
    if (before && now() - before.atMs < everyMs) return before.addresses;
    try {
      const found = await lookup(name, { all: true });
      const addresses = found.map(({ address }) => address);
      known.set(name, { addresses, atMs: now() });
      return addresses;
    } catch (err) {
      log.warn({ err, name }, 'could not resolve a name, guests are still denied its last known addresses');
      known.set(name, { addresses: before?.addresses ?? [], atMs: now() });
      return before?.addresses ?? [];
    }
  };
  return async (names: readonly string[]): Promise<string[]> =>
    (await Promise.all([...new Set(names)].map(resolve))).flat();
};

export type NameWatch = ReturnType<typeof createNameWatch>;

export const listForbidden = async (options: ForbiddenOptions, resolve: NameWatch): Promise<string[]> => {
  const [attached, servers] = await Promise.all([listAttachedNetworks(), resolve(serversOf(options))]);
  const networks = attached.filter(({ device }) => device !== options.bridge).filter(isNeighbourhood);
  return withoutContained([...options.deny, ...servers, ...networks.map(({ cidr }) => cidr), LINK_LOCAL]);
};
