import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getFreePort } from './free-port.js';
import type { PlacementServer } from './placement-server.js';
import { extendService, startService } from './service.js';

export interface EplacementOptions {
  readonly etcd: { readonly host: string; readonly port: number };
  /** Holds the config and the log; kept when given. Without it, a new folder that `stop()` removes. */
  readonly dir?: string;
  readonly port?: number;
  /** Of all keys, as in `etcd.prefix`. What it finds below is what it serves. */
  readonly prefix?: string;
  /** Config keys beside those above, or instead of them. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Outlive this process: `adoptService` finds it again by the file `eplacement.process.json` in `dir`, which is then needed. */
  readonly detached?: boolean;
}

const HOST = '127.0.0.1';

/** `eplacement` as built in this workspace. */
const program = new URL('../../placement/bin/eplacement.js', import.meta.url).pathname;

/** Our own server of Placement's API on 127.0.0.1, taking any token. `restart()` keeps the port; the data is etcd's. */
export async function startEplacement(options: EplacementOptions): Promise<PlacementServer> {
  const ownFolder = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'eplacement-')) : undefined;
  const dir = options.dir ?? ownFolder ?? '';
  const port = options.port ?? (await getFreePort());
  await mkdir(dir, { recursive: true });
  const configPath = join(dir, 'eplacement.yaml');
  const config = {
    etcd: { host: options.etcd.host, port: options.etcd.port, prefix: options.prefix ?? '' },
    listen: { host: HOST, port },
    log: { level: 'info', format: 'json' },
    ...options.config,
  };
  await writeFile(configPath, JSON.stringify(config, undefined, 2)); // which is YAML too
  const service = await startService(
    {
      name: 'eplacement',
      command: program,
      args: ['--config', configPath],
      dropEnv: 'EPLACEMENT_',
      logPath: join(dir, 'eplacement.log'),
      stateFile: join(dir, 'eplacement.process.json'),
      ...(options.detached !== undefined && { detached: options.detached }),
    },
    () => isReady(port),
  );
  const facts = { endpoint: `http://${HOST}:${port}`, host: HOST, port, dir, section: 'etcd' as const };
  return extendService(service, facts, async () => {
    if (ownFolder) await rm(ownFolder, { recursive: true, force: true });
  });
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://${HOST}:${port}/healthz`, { signal: AbortSignal.timeout(5000) });
  return response.ok;
}
