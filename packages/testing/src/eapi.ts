import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getFreePort } from './free-port.js';
import { extendService, startService, type Service } from './service.js';

export interface EapiOptions {
  readonly etcd: { readonly host: string; readonly port: number };
  /** Holds the config and the log; kept when given. Without it, a new folder that `stop()` removes. */
  readonly dir?: string;
  readonly port?: number;
  /** Of all keys, as in `etcd.prefix`. What it finds below is what it serves. */
  readonly prefix?: string;
  /** Config keys beside those above, or instead of them. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Outlive this process: `adoptService` finds it again by the file `eapi.process.json` in `dir`, which is then needed. */
  readonly detached?: boolean;
}

const HOST = '127.0.0.1';

/** `eapi` as built in this workspace. */
export const eapiProgram = new URL('../../api/bin/eapi.js', import.meta.url).pathname;

export interface EapiServer extends Service {
  /** Of identity, as clients are told it. */
  readonly authUrl: string;
  readonly endpoint: string;
  /** Holds `eapi.yaml`, and what else a test puts there. */
  readonly dir: string;
  /** Of its config, for `eapi bootstrap`. */
  readonly configPath: string;
}

/** The server of OpenStack's APIs on 127.0.0.1. `restart()` keeps the port; the data is etcd's. */
export async function startEapi(options: EapiOptions): Promise<EapiServer> {
  const ownFolder = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'eapi-')) : undefined;
  const dir = options.dir ?? ownFolder ?? '';
  const port = options.port ?? (await getFreePort());
  await mkdir(dir, { recursive: true });
  const configPath = join(dir, 'eapi.yaml');
  const config = {
    etcd: { host: options.etcd.host, port: options.etcd.port, prefix: options.prefix ?? '' },
    listen: { host: HOST, port },
    images: { folder: join(dir, 'images') },
    log: { level: 'info', format: 'json' },
    ...options.config,
  };
  await writeFile(configPath, JSON.stringify(config, undefined, 2)); // which is YAML too
  const service = await startService(
    {
      name: 'eapi',
      command: eapiProgram,
      args: ['--config', configPath],
      dropEnv: 'EAPI_',
      logPath: join(dir, 'eapi.log'),
      stateFile: join(dir, 'eapi.process.json'),
      ...(options.detached !== undefined && { detached: options.detached }),
    },
    () => isReady(port),
  );
  const endpoint = `http://${HOST}:${port}`;
  const facts = { endpoint, authUrl: `${endpoint}/identity/v3`, dir, configPath };
  return extendService(service, facts, async () => {
    if (ownFolder) await rm(ownFolder, { recursive: true, force: true });
  });
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://${HOST}:${port}/healthz`, { signal: AbortSignal.timeout(5000) });
  return response.ok;
}
