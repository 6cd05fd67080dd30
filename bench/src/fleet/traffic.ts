import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '@etcd-compute/common/async/sleep';
import { readCpuSeconds } from '../cpu-seconds.js';
import type { Fleet } from './stage.js';

/** What the servers have counted, since their start or between two looks. */
export interface Traffic {
  /** When it was read, or how long it took, in seconds. */
  readonly seconds: number;
  /** Messages that etcd received, by gRPC method. */
  readonly etcdCalls: ReadonlyMap<string, number>;
  readonly etcdBytesIn: number;
  readonly etcdBytesOut: number;
  /** Requests that Placement answered, by method and path, with uuids left out. */
  readonly placementCalls: ReadonlyMap<string, number>;
  readonly cpuSeconds: CpuSeconds;
}

/** Processor time, by what took it. */
export interface CpuSeconds {
  readonly etcd: number;
  readonly placement: number;
  readonly agents: number;
}

export const sum = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((total, count) => total + count, 0);

/** What goes on in a while of which nothing is asked. */
export const watchTraffic = async (fleet: Fleet, seconds: number, signal: AbortSignal): Promise<Traffic> => {
  const before = await readTraffic(fleet);
  await sleep(seconds * 1000, signal);
  return subtract(await readTraffic(fleet), before);
};

export const readTraffic = async ({ etcd, placement, agents }: Fleet): Promise<Traffic> => {
  const metrics = await readMetrics(etcd.endpoint);
  const [etcdCpu, placementCpu, agentsCpu] = await readCpuSeconds([[etcd.pid], [placement.pid], agents.pids]);
  return {
    seconds: performance.now() / 1000,
    etcdCalls: metrics.received,
    etcdBytesIn: metrics.bytesIn,
    etcdBytesOut: metrics.bytesOut,
    placementCalls: await countPlacementCalls(join(placement.dir, 'placement.log')),
    cpuSeconds: { etcd: etcdCpu ?? 0, placement: placementCpu ?? 0, agents: agentsCpu ?? 0 },
  };
};

export const subtract = (after: Traffic, before: Traffic): Traffic => {
  const less = (later: ReadonlyMap<string, number>, earlier: ReadonlyMap<string, number>): Map<string, number> =>
    new Map([...later].map(([name, count]) => [name, count - (earlier.get(name) ?? 0)]));
  return {
    seconds: after.seconds - before.seconds,
    etcdCalls: less(after.etcdCalls, before.etcdCalls),
    etcdBytesIn: after.etcdBytesIn - before.etcdBytesIn,
    etcdBytesOut: after.etcdBytesOut - before.etcdBytesOut,
    placementCalls: less(after.placementCalls, before.placementCalls),
    cpuSeconds: {
      etcd: after.cpuSeconds.etcd - before.cpuSeconds.etcd,
      placement: after.cpuSeconds.placement - before.cpuSeconds.placement,
      agents: after.cpuSeconds.agents - before.cpuSeconds.agents,
    },
  };
};

const METRIC = /^(\w+)(?:\{([^}]*)\})? (\S+)$/gm;

const readMetrics = async (
  endpoint: string,
): Promise<{ received: Map<string, number>; bytesIn: number; bytesOut: number }> => {
  const response = await fetch(`${endpoint}/metrics`, { signal: AbortSignal.timeout(30_000) });
  const received = new Map<string, number>();
  let [bytesIn, bytesOut] = [0, 0];
  for (const [, name, labels = '', value] of (await response.text()).matchAll(METRIC)) {
    if (name === 'grpc_server_msg_received_total')
      received.set(/grpc_method="(\w+)"/.exec(labels)?.[1] ?? '', Number(value));
    if (name === 'etcd_network_client_grpc_received_bytes_total') bytesIn = Number(value);
    if (name === 'etcd_network_client_grpc_sent_bytes_total') bytesOut = Number(value);
  }
  return { received, bytesIn, bytesOut };
};

/** What has been read of a log already: it is only read on. */
const logs = new Map<string, { offset: number; rest: string; counts: Map<string, number> }>();

/** Placement writes a line for each request. */
const countPlacementCalls = async (path: string): Promise<Map<string, number>> => {
  const log = logs.get(path) ?? { offset: 0, rest: '', counts: new Map<string, number>() };
  logs.set(path, log);
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read({ buffer: Buffer.alloc(size - log.offset), position: log.offset });
    log.offset = size;
    const lines = (log.rest + buffer.toString()).split('\n');
    log.rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, method, path] = /placement\.requestlog .*"(\w+) ([^ "?]+)/.exec(line) ?? [];
      if (method === undefined || path === undefined) continue;
      const call = `${method} ${path.replaceAll(/[0-9a-f-]{36}/g, '…')}`;
      log.counts.set(call, (log.counts.get(call) ?? 0) + 1);
    }
  } finally {
    await file.close();
  }
  return new Map(log.counts);
};
