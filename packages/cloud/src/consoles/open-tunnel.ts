import type { Socket } from 'node:net';
import { findInstance } from '../instances/find-instance.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { connectGuest } from './connect-endpoint.js';
import { findEndpoint } from './find-endpoint.js';

export interface TunnelOptions extends RunOptions {
  /** Of the guest. */
  readonly port: number;
}

/**
 * A connection to a port of a guest, through the agent of its host.
 *
 * @throws EcomputeError when there is no such instance, its agent is away or serves no tunnels, or nothing listens at the port.
 */
export const openTunnel = async (services: Services, uuidOrName: string, options: TunnelOptions): Promise<Socket> =>
  run(options, async ({ signal }) => {
    const { instance, host } = await findInstance(services, uuidOrName);
    return connectGuest(await findEndpoint(services, host), { instance, port: options.port, signal });
  });
