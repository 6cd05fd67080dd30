import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { findActive, type FindActiveDeps } from './find-active.js';

export interface TunnelDeps extends FindActiveDeps {
  /** Of guests, that tunnels may lead to. */
  readonly ports: readonly number[];
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Connects to a port of a guest of this host. It uses the address that this host's DHCP gave the guest, never one from the client, nor one
 * that only the guest claims, which could be anybody's.
 */
export const openTunnel = async (
  { store, keys, host, ports }: TunnelDeps,
  { instance, port }: { instance: InstanceUuid; port: number },
): Promise<Socket> => {
  const what = `could not reach port ${port} of instance ${instance}`;
  if (!ports.includes(port))
    throw new EcomputeError('ECOMPUTE_ENDPOINT_REFUSED', `${what}: its host does not allow tunnels to that port`, {
      hint: `allowed: ${ports.length === 0 ? 'none' : ports.join(', ')} (endpoint.tunnel_ports of the agent)`,
    });
  const failed = (reason: string, hint: string, cause?: unknown): EcomputeError =>
    new EcomputeError('ECOMPUTE_TUNNEL_FAILED', `${what}: ${reason}`, { hint, cause });
  const record = await findActive({ store, keys, host }, instance, failed);
  const addresses = record.addresses.filter(({ source }) => source === 'lease').map(({ address }) => address);
  if (addresses.length === 0)
    throw failed(
      'its host has given it no address',
      `see \`eschedule show ${instance}\`: the guest may be starting still`,
    );
  const errors: unknown[] = [];
  for (const address of addresses) {
    const socket = connect({ host: address, port, noDelay: true, keepAlive: true, allowHalfOpen: true });
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
      return socket;
    } catch (err) {
      socket.destroy();
      errors.push(err);
    }
  }
  throw failed(
    `nothing answers at ${addresses.join(', ')}`,
    'is the guest up, and does it listen there? its console tells: `eschedule logs`',
    errors[0],
  );
};
