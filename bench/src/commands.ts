/**
 * What commands cost among few and many instances: `npm run bench:fleet` without agents. Records, requests, names and locations are
 * written into a real etcd as schedulers and agents write them; nothing is booted, and Placement is empty.
 *
 *   npm run bench:commands -- [--instances 50000] [--hosts 1000] [--runs 5]
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { newLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { newRecord, withState } from '@etcd-compute/common/etcd/messages/instance-record';
import { LAYOUT, type Presence } from '@etcd-compute/common/etcd/messages/presence';
import { MAX_OPERATIONS, openStore, type Store, type Write } from '@etcd-compute/common/etcd/store';
import { newInstanceUuid, newProviderUuid, newSessionUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { startPlacement } from '@etcd-compute/testing/placement-server';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { median, say } from './figures.js';
import type { CommandFigures } from './fleet/commands.js';
import { runEschedule } from './fleet/run-eschedule.js';
import { renderCommands } from './fleet/tables.js';

const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '50000' },
    hosts: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '5' },
  },
});
const instances = Number(values.instances);
const hostCount = Number(values.hosts);
const runs = Number(values.runs);
const FEW = 10;
const keys = createKeys('');
const hosts = Array.from({ length: hostCount }, () => newProviderUuid());
const session = newSessionUuid();
const now = new Date();
const resources = { VCPU: 1, MEMORY_MB: 1024, DISK_GB: 10 };
const image = 'https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-generic-amd64.qcow2';

const put = (key: string, value: unknown): Write => ({ op: 'put', key, value: JSON.stringify(value) });

const presenceOf = (host: ProviderUuid): Presence => ({
  version: 1,
  host,
  hostname: `compute-${host.slice(0, 8)}`,
  session,
  layout: LAYOUT,
  state: 'up',
  trouble: null,
  agent_version: '0.1.0',
  hypervisor: { type: 'test', version: '1', uri: 'test:///default' },
  started_at: now.toISOString(),
  process: { machine: 'a', boot_id: 'b', pid: 1, start_ticks: '1' },
});

/** All that etcd has of an active instance with a key and a kilobyte of user data. */
const instanceWrites = (index: number): Write[] => {
  const [instance, host, name] = [newInstanceUuid(), hosts[index % hostCount], `web-${index}`];
  if (host === undefined) throw new Error('there are no hosts');
  const common = { instance, host, name, project: 'default' };
  const placed = newRecord({ ...common, resources, image, reason: 'placed on compute-17 (spread)', now });
  const built = withState(placed, 'building', { reason: 'claimed', now, session });
  const record = withState(built, 'active', {
    reason: 'the guest was started',
    now,
    addresses: [{ address: '10.45.1.7', family: 'ipv4', mac: '52:54:00:12:34:56', source: 'lease' }],
    address_sources: { lease: 'found', agent: 'the guest agent has not connected' },
  });
  const request: BootRequest = {
    allocations: { [host]: { resources } },
    user_id: 'default',
    project_id: 'default',
    consumer_generation: null,
    instance,
    image,
    version: 1,
    name,
    ssh_keys: [`ssh-ed25519 ${'A'.repeat(68)} me@there`],
    user_data: `#cloud-config\n${'#'.repeat(1000)}`,
  };
  return [
    put(keys.report(host, instance), record),
    put(keys.request(host, instance), request),
    put(keys.location(instance), newLocation({ ...common, created_at: record.created_at })),
    put(keys.name('default', name), { version: 1, instance }),
  ];
};

const write = async (store: Store, writes: readonly Write[]): Promise<void> => {
  for (let first = 0; first < writes.length; first += MAX_OPERATIONS) {
    const chunk = writes.slice(first, first + MAX_OPERATIONS);
    await store.txn(
      chunk.map(({ key }) => ({ key, modRevision: '0' })),
      chunk,
    );
  }
};

const fill = async (store: Store, from: number, to: number): Promise<void> => {
  const step = 1000;
  for (let first = from; first < to; first += step)
    await write(
      store,
      Array.from({ length: Math.min(step, to - first) }, (_, index) => instanceWrites(first + index)).flat(),
    );
};

/** @param names of instances that are there; each run of what changes one takes the next. */
const measureCommands = async (config: string, names: readonly string[]): Promise<CommandFigures[]> => {
  const left = [...names];
  const [seen = ''] = names;
  const commands: readonly (readonly [string, () => readonly string[]])[] = [
    ['list', () => ['list']],
    ['list -o json', () => ['list', '-o', 'json']],
    ['show NAME', () => ['show', seen]],
    ['stop --no-wait NAME', () => ['stop', '--no-wait', left.pop() ?? '']],
    ['destroy NAME', () => ['destroy', left.pop() ?? '']],
    ['hosts', () => ['hosts']],
    ['audit', () => ['audit']],
  ];
  const figures: CommandFigures[] = [];
  for (const [command, argv] of commands) {
    const all = [];
    for (let run = 0; run < runs; run += 1)
      all.push(await runEschedule([...argv(), '--config', config], new AbortController().signal));
    const failed = all.find(({ code }) => code !== 0);
    figures.push({
      command,
      seconds: median(all.map(({ seconds }) => seconds)),
      cpuSeconds: median(all.map(({ calls }) => calls.cpuSeconds)),
      peakKiB: Math.max(...all.map(({ calls }) => calls.peakKiB)),
      placementCalls: median(all.map(({ calls }) => calls.placement)),
      etcdCalls: median(all.map(({ calls }) => calls.etcd)),
      failure: failed?.stderr.split('\n')[0],
    });
  }
  return figures;
};

await using dir = await makeTempDir('bench-commands');
await using etcd = await startEtcd();
await using placement = await startPlacement();
await using store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port, timeout: 60 }));
const config = join(dir.path, 'schedule.yaml');
await writeFile(
  config,
  JSON.stringify({
    etcd: { host: etcd.host, port: etcd.port, timeout: 60 },
    placement: { endpoint: placement.endpoint },
  }),
);
await write(
  store,
  hosts.map((host) => put(keys.agent(host), presenceOf(host))),
);
// As many as are changed, and one that is looked at.
const changed = 2 * runs + 1;
const namesFrom = (first: number): string[] => Array.from({ length: changed }, (_, index) => `web-${first + index}`);
await fill(store, 0, changed + FEW);
const before = { instances: changed + FEW, figures: await measureCommands(config, namesFrom(0)) };
await fill(store, changed + FEW, instances);
const after = { instances, figures: await measureCommands(config, namesFrom(instances - changed)) };
say(
  `commands, with ${hostCount} hosts (median of ${runs}; ratios of time and of processor time):\n${renderCommands(before, after)}`,
);
