import { once } from 'node:events';
import { openTunnel } from '../access/connect-endpoint.js';
import { findEndpoint } from '../access/find-endpoint.js';
import { EXIT_CODES } from '../exit-code.js';
import { findInstance } from '../instances/find-instance.js';
import type { CommandContext } from './context.js';

export interface TunnelOptions {
  readonly uuidOrName: string;
  readonly port: number;
}

/** Joins standard input and output to a port of a guest, through the agent of its host: what ssh wants of a ProxyCommand. */
export const tunnel = async (
  { cloud, interruption }: CommandContext,
  { uuidOrName, port }: TunnelOptions,
): Promise<number> => {
  const { stdin, stdout } = process;
  const { instance, host } = await findInstance(cloud, uuidOrName);
  const endpoint = await findEndpoint(cloud, host);
  const socket = await openTunnel(endpoint, { instance, port, signal: interruption.signal });
  stdin.pipe(socket);
  try {
    for await (const chunk of socket) if (!stdout.write(chunk)) await once(stdout, 'drain');
  } finally {
    socket.destroy();
  }
  await new Promise<void>((resolve) => {
    stdout.write('', () => resolve());
  });
  return EXIT_CODES.done;
};
