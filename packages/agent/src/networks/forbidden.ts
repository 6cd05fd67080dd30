import { lookup } from 'node:dns/promises';
import type { EtcdSection, PlacementSection } from '@etcd-compute/common/config/sections';
import type { Logger } from '@etcd-compute/common/log';
import { etcdServers } from '../endpoint/advertised-addresses.js';
import { parseNetwork, withoutContained } from './cidr.js';
import { listAttachedNetworks, type AttachedNetwork } from './ip.js';

/**
 * Where guests may not go, beside the host itself: what the config denies, the servers of the control plane, and every network to
 * which this host is attached, other than the guests' own.
 */
export interface ForbiddenOptions {
  readonly deny: readonly string[];
  readonly etcd: EtcdSection;
  readonly placement: Pick<PlacementSection, 'endpoint'>;
  /** The guests' own bridge. */
  readonly bridge: string;
}

/** Here a cloud tells its machines their secrets, also the machine that is our host. No router passes these on. */
const LINK_LOCAL = '169.254.0.0/16';

/** A larger one is no network that hosts share, but the way to the rest of the world, as a VPN makes it. */
const SHORTEST_PREFIX = { ipv4: 8, ipv6: 16 } as const;

const isNeighbourhood = ({ cidr }: AttachedNetwork): boolean => {
  const [address, prefix] = parseNetwork(cidr);
  return prefix >= SHORTEST_PREFIX[address.kind()];
};

const serversOf = ({ etcd, placement }: ForbiddenOptions): string[] => [
  ...etcdServers(etcd).map(({ host }) => host),
  new URL(placement.endpoint).hostname.replaceAll(/^\[|\]$/g, ''),
];

/** Looks names up anew when its answer is older than this. */
export interface NameWatchOptions {
  readonly everyMs: number;
  readonly log: Logger;
  readonly now: () => number;
}

/** The addresses of names, as last known: one that cannot be resolved now keeps those that it had. */
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
      log.warn({ err, name }, 'name not resolved, guests are kept from the addresses that it had');
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
