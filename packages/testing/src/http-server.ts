import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getFreePort } from './free-port.js';
import { extendService, startService, type Service } from './service.js';

export interface HttpServerOptions {
  readonly etcd: { readonly host: string; readonly port: number };
  /** Holds the config and the log; kept when given. Without it, a new folder that `stop()` removes. */
  readonly dir?: string;
  readonly port?: number;
  /** Of all keys, as in `etcd.prefix`. What it finds below is what it serves. */
  readonly prefix?: string;
  /** Config keys beside those above, or instead of them. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Outlive this process: `adoptService` finds it again by the file `<name>.process.json` in `dir`, which is then needed. */
  readonly detached?: boolean;
}

export interface HttpServer extends Service {
  readonly host: string;
  readonly port: number;
  readonly endpoint: string;
  /** Holds `<name>.yaml`, and what else a test puts there. */
  readonly dir: string;
  readonly configPath: string;
}

export interface HttpProgram<Facts extends object> {
  /** `eapi`: its config and its log are named so. */
  readonly name: string;
  readonly path: string;
  /** What its config has beside the usual. */
  readonly configIn?: (dir: string) => Readonly<Record<string, unknown>>;
  /** What is known of it beside the usual. */
  readonly factsAt: (endpoint: string) => Facts;
}

const HOST = '127.0.0.1';

/** A server of this workspace with its data in etcd, on 127.0.0.1, when `/healthz` says that it is well. `restart()` keeps the port. */
export async function startHttpServer<Facts extends object>(
  { name, path, configIn, factsAt }: HttpProgram<Facts>,
  options: HttpServerOptions,
): Promise<HttpServer & Facts> {
  const ownFolder = options.dir === undefined ? await mkdtemp(join(tmpdir(), `${name}-`)) : undefined;
  const dir = options.dir ?? ownFolder ?? '';
  const port = options.port ?? (await getFreePort());
  await mkdir(dir, { recursive: true });
  const configPath = join(dir, `${name}.yaml`);
  const config = {
    etcd: { host: options.etcd.host, port: options.etcd.port, prefix: options.prefix ?? '' },
    listen: { host: HOST, port },
    log: { level: 'info', format: 'json' },
    ...configIn?.(dir),
    ...options.config,
  };
  await writeFile(configPath, JSON.stringify(config, undefined, 2)); // which is YAML too
  const service = await startService(
    {
      name,
      command: path,
      args: ['--config', configPath],
      dropEnv: `${name.toUpperCase()}_`,
      logPath: join(dir, `${name}.log`),
      stateFile: join(dir, `${name}.process.json`),
      ...(options.detached !== undefined && { detached: options.detached }),
    },
    () => isReady(port),
  );
  const endpoint = `http://${HOST}:${port}`;
  const facts = { endpoint, host: HOST, port, dir, configPath, ...factsAt(endpoint) };
  return extendService(service, facts, async () => {
    if (ownFolder) await rm(ownFolder, { recursive: true, force: true });
  });
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://${HOST}:${port}/healthz`, { signal: AbortSignal.timeout(5000) });
  return response.ok;
}
