import { once } from 'node:events';
import { EXIT_CODES } from '../exit-code.js';
import type { CommandContext } from './context.js';

export interface TunnelOptions {
  readonly uuidOrName: string;
  readonly port: number;
}

/** Joins standard input and output to a port of a guest, through the agent of its host: what ssh wants of a ProxyCommand. */
export const tunnel = async (
  { cloud, interruption: { signal } }: CommandContext,
  { uuidOrName, port }: TunnelOptions,
): Promise<number> => {
  const { stdin, stdout } = process;
  const socket = await cloud.openTunnel(uuidOrName, { port, signal });
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  stdin.pipe(socket);
  try {
    for await (const chunk of socket) if (!stdout.write(chunk)) await once(stdout, 'drain', { signal });
  } finally {
    socket.destroy();
  }
  await new Promise<void>((resolve) => {
    stdout.write('', () => resolve());
  });
  signal.throwIfAborted();
  return EXIT_CODES.done;
};
