import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SilentDaemon extends AsyncDisposable {
  /** A connection to it hangs while it opens. */
  readonly uri: string;
  /** Resolves when the n-th client has connected. */
  connections(count: number): Promise<void>;
  /** Hangs up on everyone, which ends their calls. */
  hangUp(): void;
}

/** Something that listens where a libvirt daemon would, and never answers. */
export async function startSilentDaemon(): Promise<SilentDaemon> {
  const directory = await mkdtemp(join(tmpdir(), 'silent-daemon-'));
  const path = join(directory, 'socket');
  const sockets = new Set<Socket>();
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // clients vanish
    socket.resume();
    for (const { count, resolve } of waiting) if (sockets.size >= count) resolve();
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    uri: `qemu+unix:///system?socket=${path}`,
    connections: (count) =>
      new Promise((resolve) => {
        if (sockets.size >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    hangUp,
    async [Symbol.asyncDispose]() {
      hangUp();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
