import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getFreePort } from './free-port.js';
import { runCommand } from './run-command.js';
import { extendService, findCommand, startService } from './service.js';
import type { Service } from './service.js';

export interface PlacementOptions {
  /** Holds placement.conf, the database and the logs; kept when given. Without it, a new folder that `stop()` removes. */
  readonly dir?: string;
  readonly port?: number;
  /** Number of uwsgi workers. Default 2. */
  readonly workers?: number;
  /** Outlive this process: `adoptService` finds it again by the file `placement.process.json` in `dir`, which is then needed. */
  readonly detached?: boolean;
}

/** One Placement of our own on 127.0.0.1, on SQLite, taking any token (`noauth2`). `restart()` keeps port and data. */
export interface PlacementServer extends Service {
  readonly endpoint: string;
  readonly host: string;
  readonly port: number;
  readonly dir: string;
  /** What the config of an agent or scheduler says that counts room with it. */
  readonly section: PlacementSection;
}

/** `etcd`: whoever has it counts in its own etcd. */
export type PlacementSection = 'etcd' | { readonly endpoint: string; readonly timeout?: number };

const HOST = '127.0.0.1';

export async function startPlacement(options: PlacementOptions = {}): Promise<PlacementServer> {
  const ownFolder = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'placement-')) : undefined;
  const dir = options.dir ?? ownFolder ?? '';
  const port = options.port ?? (await getFreePort());
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'placement.conf'), renderConfig(dir));
  await prepareDatabase(join(dir, 'placement.sqlite'));
  const service = await startService(
    {
      name: 'Placement',
      command: 'uwsgi',
      // Variables like OS_PLACEMENT_DATABASE__CONNECTION, or those of an OpenStack client, would win over our file.
      dropEnv: 'OS_',
      env: { OS_PLACEMENT_CONFIG_DIR: dir },
      args: uwsgiArgs(port, options.workers ?? 2, await readMaxListenQueue()),
      logPath: join(dir, 'uwsgi.log'),
      stateFile: stateFileOf(dir),
      ...(options.detached !== undefined && { detached: options.detached }),
    },
    () => isReady(port),
  );
  return asPlacement(service, { port, dir, ownFolder });
}

/**
 * uwsgi's own HTTP router (`--http`) keeps connections alive. `--http-socket`, which Placement's documents show, closes each one
 * after its reply without saying so, and clients that reuse the connection get ECONNRESET for one request in five.
 * The application is loaded before the workers fork, so that it creates its tables once: two workers that both do it fail.
 */
function uwsgiArgs(port: number, workers: number, listenQueue: number): readonly string[] {
  return [
    '--plugin=http',
    '--plugin=python3',
    `--http=${HOST}:${port}`,
    '--http-keepalive',
    '--http-auto-chunked',
    // The router drops idle connections after 60 s by default, and a request sent in that moment would be lost.
    '--http-timeout=3600',
    '--buffer-size=65535',
    `--listen=${listenQueue}`,
    '--master',
    `--processes=${workers}`,
    '--need-app',
    '--no-orphans',
    '--die-on-term',
    '--disable-logging',
    `--wsgi-file=${findCommand('placement-api')}`,
  ];
}

/**
 * Requests wait in this queue while all workers are busy. When it is full (100 by default), the kernel drops new connections; a client
 * tries again after 1, 3, 7, ... seconds, which may be longer than it waits. uwsgi takes no more than the kernel's own limit.
 */
async function readMaxListenQueue(): Promise<number> {
  return Number(await readFile('/proc/sys/net/core/somaxconn', 'utf8'));
}

// `sqlite_synchronous = false` leaves out fsync only: a killed process loses nothing, a killed machine may.
function renderConfig(dir: string): string {
  return `[DEFAULT]
log_file = ${dir}/placement.log
[api]
auth_strategy = noauth2
[placement]
randomize_allocation_candidates = true
[placement_database]
connection = sqlite:///${dir}/placement.sqlite
sqlite_synchronous = false
sync_on_startup = true
`;
}

/** Write-ahead logging lets readers and one writer work at the same time; SQLite keeps the choice in the file. */
async function prepareDatabase(path: string): Promise<void> {
  const program = 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("pragma journal_mode=wal")';
  await runCommand(['python3', '-c', program, path]);
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://${HOST}:${port}/`, { signal: AbortSignal.timeout(5000) });
  return response.ok && (await response.text()).includes('max_version');
}

function stateFileOf(dir: string): string {
  return join(dir, 'placement.process.json');
}

function asPlacement(
  service: Service,
  { port, dir, ownFolder }: { port: number; dir: string; ownFolder: string | undefined },
): PlacementServer {
  const endpoint = `http://${HOST}:${port}`;
  const facts = { endpoint, host: HOST, port, dir, section: { endpoint } };
  return extendService(service, facts, async () => {
    if (ownFolder) await rm(ownFolder, { recursive: true, force: true });
  });
}
