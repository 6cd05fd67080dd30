import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getFreePort } from './free-port.js';
import { extendService, startService } from './service.js';
import type { Service } from './service.js';

export interface EtcdOptions {
  /** Kept when given; without it, a new folder that `stop()` removes. */
  readonly dataDir?: string;
  readonly clientPort?: number;
  /** Path of the log. Default: `etcd.log` beside the data. */
  readonly log?: string;
  /** When it is one of several. */
  readonly member?: EtcdMember;
  /** Serves https: `args` name its certificates. */
  readonly tls?: boolean;
  /** More of etcd's own flags, for example `--auto-compaction-retention=1`. */
  readonly args?: readonly string[];
  /** Outlive this process: `adoptService` finds it again by the file `<dataDir>.process.json`; needs `dataDir`. */
  readonly detached?: boolean;
}

export interface EtcdMember {
  readonly name: string;
  readonly peerPort: number;
  /** All members, this one too, as etcd's `--initial-cluster` wants them. */
  readonly cluster: string;
}

/** One etcd of our own on 127.0.0.1. `restart()` keeps port and data. */
export interface EtcdServer extends Service {
  readonly endpoint: string;
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  /** What `etcdctl snapshot restore` must know of this member. */
  readonly restoreArgs: readonly string[];
}

const HOST = '127.0.0.1';

// A lone member elects itself after the election timeout, 1 s by default; and the shortest lease that etcd grants is 1.5 times it.
const FAST_ELECTION = ['--heartbeat-interval=20', '--election-timeout=200'];
// Members that share few processors are late now and then, and each election in vain makes all of them wait.
const CALM_ELECTION = ['--heartbeat-interval=60', '--election-timeout=600'];

export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  const ownFolder = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'etcd-')) : undefined;
  const dataDir = options.dataDir ?? join(ownFolder ?? '', 'data');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const port = options.clientPort ?? (await getFreePort());
  const scheme = options.tls === true ? 'https' : 'http';
  const clientUrl = `${scheme}://${HOST}:${port}`;
  const healthUrl = options.tls === true ? `http://${HOST}:${await getFreePort()}` : clientUrl;
  const peerUrl = `http://${HOST}:${options.member?.peerPort ?? (await getFreePort())}`;
  const name = options.member?.name ?? 'only';
  const memberArgs = [
    `--name=${name}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=${options.member?.cluster ?? `only=${peerUrl}`}`,
  ];
  const service = await startService(
    {
      name: 'etcd',
      command: 'etcd',
      dropEnv: 'ETCD_',
      args: [
        ...memberArgs,
        `--data-dir=${dataDir}`,
        `--listen-client-urls=${clientUrl}`,
        `--advertise-client-urls=${clientUrl}`,
        `--listen-peer-urls=${peerUrl}`,
        ...(options.member ? CALM_ELECTION : FAST_ELECTION),
        ...(healthUrl === clientUrl ? [] : [`--listen-metrics-urls=${healthUrl}`]),
        ...(options.args ?? []),
      ],
      logPath: options.log ?? join(dataDir, '..', 'etcd.log'),
      stateFile: stateFileOf(dataDir),
      ...(options.detached !== undefined && { detached: options.detached }),
    },
    () => isHealthy(healthUrl),
  );
  return asEtcd(service, { scheme, port, dataDir, ownFolder, restoreArgs: memberArgs });
}

function stateFileOf(dataDir: string): string {
  return `${dataDir}.process.json`;
}

function asEtcd(
  service: Service,
  {
    scheme,
    port,
    ownFolder,
    ...facts
  }: Pick<EtcdServer, 'port' | 'dataDir' | 'restoreArgs'> & { scheme: string; ownFolder: string | undefined },
): EtcdServer {
  const endpoint = `${scheme}://${HOST}:${port}`;
  return extendService(service, { ...facts, endpoint, host: HOST, port }, async () => {
    if (ownFolder) await rm(ownFolder, { recursive: true, force: true });
  });
}

async function isHealthy(url: string): Promise<boolean> {
  const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) });
  return response.ok && (await response.text()).includes('true');
}
