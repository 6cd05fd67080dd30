import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { EtcdSection } from '../config/sections.js';
import { withResolvers } from '../async/deadline.js';
import { etcdServers, type ServerName } from '../config/etcd-servers.js';

/** Where a listener is, as its config says. */
interface ListenerConfig {
  readonly listen?: string | undefined;
  readonly advertise?: readonly string[] | undefined;
}

const MAX_ADDRESSES = 8;

/** Addresses that other machines cannot use. Loopback is not among them, because everybody may be on this machine. */
const isLinkLocal = (address: string): boolean => /^(169\.254\.|fe[89ab])/i.test(address);

/** This host's source address of packets to a server. Connecting a datagram socket asks the routing table and sends nothing. */
const findLocalAddress = async ({ host, port }: ServerName): Promise<string | undefined> => {
  try {
    const { address, family } = await lookup(host);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    const { promise, resolve, reject } = withResolvers<string>();
    socket.once('error', reject);
    socket.connect(port, address, () => resolve(socket.address().address));
    return await promise.finally(() => socket.close());
  } catch {
    return undefined; // no such name or no route now; it is tried again once a period
  }
};

/**
 * The addresses at which others may reach the listener: first the one used towards etcd, which everyone in a cloud can reach, then every other
 * address of the host, for a host with etcd on it or with several networks. Clients try all; the key tells the right one.
 *
 * @param except addresses that every host has, such as the guests' gateway.
 */
export const listAdvertisedAddresses = async (
  { listen, advertise }: ListenerConfig,
  { etcd, except }: { etcd: EtcdSection; except: ReadonlySet<string> },
): Promise<string[]> => {
  if (advertise) return [...advertise];
  if (listen !== undefined && !/^(0\.0\.0\.0|::)$/.test(listen)) return [listen];
  const towardsEtcd = await Promise.all(etcdServers(etcd).map(findLocalAddress));
  const others = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address);
  const usable = [...towardsEtcd, ...others].filter(
    (address) => address !== undefined && !isLinkLocal(address) && !except.has(address),
  );
  const reachable = listen === '0.0.0.0' ? usable.filter((address) => !isIPv6(address ?? '')) : usable;
  return [...new Set(reachable.flatMap((address) => address ?? []))].slice(0, MAX_ADDRESSES);
};
