import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { startImageServer } from '@etcd-compute/testing/image-server';
import { startPlacement, type PlacementServer } from '@etcd-compute/testing/placement-server';
import type { Resources } from '@etcd-compute/testing/resources';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { openAgents, type Agents } from './agents.js';
import { runEschedule, type Run } from './run-eschedule.js';

/** A whole cloud, without guests: real etcd, Placement and agents, on simulated hypervisors. */
export interface Fleet {
  readonly etcd: EtcdServer;
  readonly placement: PlacementServer;
  readonly agents: Agents;
  readonly imageUrl: string;
  /** Runs `eschedule` against it. */
  readonly eschedule: (...argv: readonly string[]) => Promise<Run>;
}

export interface FleetOptions {
  readonly processes: number;
  /** The agents' period, in seconds. */
  readonly period: number;
  readonly signal: AbortSignal;
}

/** As docker/compose.yaml starts it, but with room for the history of a benchmark, which writes as much in minutes as a cloud in weeks. */
const ETCD_ARGS = [
  '--auto-compaction-mode=periodic',
  '--auto-compaction-retention=5m',
  '--quota-backend-bytes=8589934592',
];

/** Longer than the default of 15: where hundreds share a process, one that collects its garbage keeps all of them from being renewed. */
const PRESENCE_TTL_SECONDS = 60;

export const openFleet = async (resources: Resources, { processes, period, signal }: FleetOptions): Promise<Fleet> => {
  const { path: dir } = resources.keep(await makeTempDir('fleet'));
  const etcd = resources.keep(await startEtcd({ args: ETCD_ARGS }));
  const placement = resources.keep(await startPlacement({ dir: join(dir, 'placement') }));
  const images = resources.keep(await startImageServer({ 'tiny.img': await writeImage(dir) }));
  const servers = { etcd: { host: etcd.host, port: etcd.port }, placement: { endpoint: placement.endpoint } };
  const scheduleConfig = join(dir, 'schedule.yaml');
  await writeFile(scheduleConfig, JSON.stringify(servers));
  await mkdir(join(dir, 'hosts'));
  const agents = await openAgents({
    resources,
    dir: join(dir, 'hosts'),
    processes,
    signal,
    config: {
      ...servers,
      period,
      presence_ttl: PRESENCE_TTL_SECONDS,
      endpoint: { listen: '127.0.0.1', advertise: ['127.0.0.1'] },
      images: { allow_private: ['127.0.0.0/8'], keep_free: 0 },
      inventory: { DISK_GB: { allocation_ratio: 100 } },
    },
  });
  return {
    etcd,
    placement,
    agents,
    imageUrl: images.url('tiny.img'),
    eschedule: async (...argv) => runEschedule([...argv, '--config', scheduleConfig], signal),
  };
};

/** A disk of a few sectors, with a boot sector's mark. */
const writeImage = async (dir: string): Promise<string> => {
  const path = join(dir, 'tiny.img');
  const content = Buffer.alloc(4096);
  content.set([0x55, 0xaa], 510);
  await writeFile(path, content);
  return path;
};
