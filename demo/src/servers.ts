import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { getFreePort, isPortFree } from '@etcd-compute/testing/free-port';
import { startPlacement } from '@etcd-compute/testing/placement-server';
import { startService } from '@etcd-compute/testing/service';
import type { Folders } from './folders.js';
import { findService } from './processes.js';
import type { DemoRecord } from './record.js';
import type { Stage } from './stages.js';

/** The servers that outlive the demo command. Each `ensure` finds the running one, or starts it; all may be repeated. */
export interface ServerFiles {
  readonly etcd: string;
  readonly placement: string;
  readonly images: string;
  readonly ecompute: string;
  readonly eapi: string;
}

/** Where it is written which process is which server. */
export const serverFiles = ({ dir }: Folders): ServerFiles => ({
  etcd: join(dir, 'etcd.process.json'),
  placement: join(dir, 'placement', 'placement.process.json'),
  images: join(dir, 'images.process.json'),
  ecompute: join(dir, 'ecompute.process.json'),
  eapi: join(dir, 'eapi', 'eapi.process.json'),
});

/**
 * The ports to use from now on: those of servers that run, and of the others where they are free; new ones in place of those that
 * somebody else has taken while the server was down.
 */
export const keepPorts = async (folders: Folders, ports: DemoRecord['ports']): Promise<DemoRecord['ports']> => {
  const files = serverFiles(folders);
  const keep = async (port: number, stateFile: string): Promise<number> =>
    (await findService(stateFile)) || (port > 0 && (await isPortFree(port))) ? port : getFreePort();
  return {
    etcd: await keep(ports.etcd, files.etcd),
    placement: await keep(ports.placement, files.placement),
    images: await keep(ports.images, files.images),
    eapi: await keep(ports.eapi, files.eapi),
  };
};

export interface EnsureServer {
  readonly folders: Folders;
  readonly port: number;
  readonly stage: Stage;
}

export const ensureEtcd = async ({ folders, port, stage }: EnsureServer): Promise<boolean> =>
  ensureServer({ stateFile: serverFiles(folders).etcd, port, stage }, async () => {
    // The state file is `<dataDir>.process.json`.
    const args = ['--auto-compaction-retention=1'];
    await startEtcd({ dataDir: join(folders.dir, 'etcd'), clientPort: port, args, detached: true });
  });

export const ensurePlacement = async ({ folders, port, stage }: EnsureServer): Promise<boolean> =>
  ensureServer({ stateFile: serverFiles(folders).placement, port, stage }, async () => {
    await startPlacement({ dir: join(folders.dir, 'placement'), port, detached: true });
  });

/** Serves the image at `/guest.img`. */
export const ensureImageServer = async ({
  folders,
  port,
  stage,
  imagePath,
}: EnsureServer & { readonly imagePath: string }): Promise<void> => {
  const stateFile = serverFiles(folders).images;
  await ensureServer({ stateFile, port, stage }, async () => {
    const program = new URL('./serve-image.js', import.meta.url).pathname;
    await startService(
      {
        name: 'the image server',
        command: process.execPath,
        args: [program, String(port), imagePath],
        logPath: join(folders.dir, 'images.log'),
        detached: true,
        stateFile,
      },
      async () => (await fetch(imageUrl(port), { method: 'HEAD', signal: AbortSignal.timeout(2000) })).ok,
    );
  });
};

export const imageUrl = (port: number): string => `http://127.0.0.1:${port}/guest.img`;

/** @returns whether it ran already. */
export const ensureServer = async (
  { stateFile, port, stage }: { readonly stateFile: string; readonly port: number; readonly stage: Stage },
  start: () => Promise<void>,
): Promise<boolean> => {
  const isRunning = (await findService(stateFile)) !== undefined;
  if (!isRunning) {
    await mkdir(dirname(stateFile), { recursive: true });
    await start();
  }
  stage.outcome(`${isRunning ? 'runs' : 'started'} on 127.0.0.1:${port}`);
  return isRunning;
};
