import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import { median } from '../figures.js';
import { runEschedule } from '../fleet/run-eschedule.js';
import { presenceOf } from '../fleet/written-instances.js';
import type { Host } from './hosts.js';

/** Who counts room for `eschedule`. */
export interface Counting {
  readonly name: string;
  /** The section `placement` of its config. */
  readonly placement: unknown;
}

export interface BootsFigures {
  readonly name: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly placementCalls: number;
  readonly etcdCalls: number;
}

/** Says of hosts that their agents are there. */
export const writePresence = async (store: Store, hosts: readonly Host[]): Promise<void> => {
  const keys = createKeys('');
  for (const { uuid, name } of hosts) {
    const key = keys.agent(uuid);
    const value = JSON.stringify({ ...presenceOf(uuid), hostname: name });
    await store.txn([{ key, modRevision: '0' }], [{ op: 'put', key, value }]);
  }
};

export interface BootsOptions {
  readonly dir: string;
  readonly etcd: { readonly host: string; readonly port: number };
  /** Instances of a command. */
  readonly count: number;
  readonly runs: number;
}

/** `eschedule boot --count N --no-wait`, in turn. Nobody builds what is asked for. */
export const measureBoots = async (
  countings: readonly Counting[],
  { dir, etcd, count, runs }: BootsOptions,
): Promise<readonly BootsFigures[]> => {
  const configs = new Map<string, string>();
  for (const { name, placement } of countings) {
    const path = join(dir, `${name.replaceAll(/\W/g, '-')}.yaml`);
    await writeFile(path, JSON.stringify({ etcd: { host: etcd.host, port: etcd.port }, placement }));
    configs.set(name, path);
  }
  const figures = new Map<string, BootsFigures[]>(countings.map(({ name }) => [name, []]));
  const argv = [
    'boot',
    '--count',
    String(count),
    '--no-wait',
    '--image',
    'http://127.0.0.1/tiny.img',
    '--memory',
    '128M',
  ];
  for (let run = 0; run < runs; run += 1)
    for (const [name, config] of configs) {
      const { seconds, code, stderr, calls } = await runEschedule(
        [...argv, '--config', config],
        new AbortController().signal,
      );
      if (code !== 0) throw new Error(`eschedule ended with ${code}: ${stderr.slice(0, 2000)}`);
      const { cpuSeconds, placement: placementCalls, etcd: etcdCalls } = calls;
      figures.get(name)?.push({ name, seconds, cpuSeconds, placementCalls, etcdCalls });
    }
  return [...figures].map(([name, all]) => ({
    name,
    seconds: median(all.map(({ seconds }) => seconds)),
    cpuSeconds: median(all.map(({ cpuSeconds }) => cpuSeconds)),
    placementCalls: median(all.map(({ placementCalls }) => placementCalls)),
    etcdCalls: median(all.map(({ etcdCalls }) => etcdCalls)),
  }));
};
