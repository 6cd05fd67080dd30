import { createKeys } from '@etcd-compute/common/etcd/keys';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { newLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { newRecord, withState } from '@etcd-compute/common/etcd/messages/instance-record';
import { LAYOUT, REQUEST_MEMBERS, type Presence } from '@etcd-compute/common/etcd/messages/presence';
import { MAX_OPERATIONS, type Store, type Write } from '@etcd-compute/common/etcd/store';
import { newInstanceUuid, newProviderUuid, newSessionUuid, type ProviderUuid } from '@etcd-compute/common/ids';

/**
 * Hosts and instances that are in etcd alone, as schedulers and agents write them: nothing is booted, Placement knows none of them, and no
 * agent looks at them.
 */
export interface WrittenInstances {
  /** Writes so many more; they are named `web-0`, `web-1`, ... */
  readonly add: (count: number) => Promise<void>;
}

const keys = createKeys('');
const session = newSessionUuid();
const now = new Date();
const resources = { VCPU: 1, MEMORY_MB: 1024, DISK_GB: 10 };
const image = 'https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-generic-amd64.qcow2';

const put = (key: string, value: unknown): Write => ({ op: 'put', key, value: JSON.stringify(value) });

/** As its agent would write it, with all that agents of this version see to. */
export const presenceOf = (host: ProviderUuid): Presence => ({
  version: 1,
  host,
  hostname: `compute-${host.slice(0, 8)}`,
  session,
  layout: LAYOUT,
  members: [...REQUEST_MEMBERS],
  state: 'up',
  trouble: null,
  agent_version: '0.1.0',
  hypervisor: { type: 'test', version: '1', uri: 'test:///default' },
  started_at: now.toISOString(),
  process: { machine: 'a', boot_id: 'b', pid: 1, start_ticks: '1' },
});

/** All that etcd has of an active instance with a key and a kilobyte of user data. */
const instanceWrites = (host: ProviderUuid, name: string): Write[] => {
  const instance = newInstanceUuid();
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

/** Written at a time; what is in memory. */
const STEP = 1000;

export const writeHosts = async (store: Store, count: number): Promise<WrittenInstances> => {
  const hosts = Array.from({ length: count }, () => newProviderUuid());
  await write(
    store,
    hosts.map((host) => put(keys.agent(host), presenceOf(host))),
  );
  const writesAt = (index: number): Write[] => {
    const host = hosts[index % count];
    if (host === undefined) throw new Error('there are no hosts');
    return instanceWrites(host, `web-${index}`);
  };
  let there = 0;
  return {
    add: async (more) => {
      for (const end = there + more; there < end;) {
        const indexes = Array.from({ length: Math.min(STEP, end - there) }, (_, offset) => there + offset);
        await write(store, indexes.flatMap(writesAt));
        there += indexes.length;
      }
    },
  };
};
