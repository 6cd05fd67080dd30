import { randomUUID } from 'node:crypto';
import { silentLogger } from '@etcd-compute/common/log';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { replaceAllocations } from '@etcd-compute/placement/engine/allocations/replace-allocations';
import { openEtcdStore } from '@etcd-compute/placement/store/etcd-store';
import type { Stage } from './stage.js';

/** Things of somebody else that are there all the time, beside ours: nothing may happen to them. */
export interface Foreign {
  readonly key: string;
  readonly value: string;
  /** Its allocation is on every host. */
  readonly consumer: string;
  readonly resources: Readonly<Record<string, number>>;
  /** The uuid of the domain on each host. */
  readonly domains: ReadonlyMap<string, string>;
}

export const putForeignThings = async (stage: Stage): Promise<Foreign> => {
  const { store, hosts } = stage;
  const [key, value] = ['/somebody-else/key', 'not ours'];
  await store.txn([{ key, modRevision: '0' }], [{ op: 'put', key, value }]);
  const consumer = randomUUID();
  const resources = { VCPU: 1 };
  await putAllocation(stage, { consumer, resources });
  const domains = new Map<string, string>();
  for (const host of hosts) domains.set(host.uuid, await startDomain(stage, host));
  return { key, value, consumer, resources, domains };
};

const CONSUMER_TYPE = 'SOMEBODY_ELSE';

/** Of another consumer type. Past our own capacity, which knows only instances. */
export const putAllocation = async (stage: Stage, foreign: Pick<Foreign, 'consumer' | 'resources'>): Promise<void> => {
  const { placementServer } = stage;
  if (placementServer) await askForAllocation(stage, placementServer, foreign);
  else await writeAllocation(stage, foreign);
};

const askForAllocation = async (
  { hosts }: Stage,
  { endpoint }: { readonly endpoint: string },
  { consumer, resources }: Pick<Foreign, 'consumer' | 'resources'>,
): Promise<void> => {
  const response = await fetch(`${endpoint}/allocations/${consumer}`, {
    method: 'PUT',
    headers: {
      'x-auth-token': 'admin',
      'openstack-api-version': 'placement 1.39',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      allocations: Object.fromEntries(hosts.map(({ uuid }) => [uuid, { resources }])),
      user_id: randomUUID(),
      project_id: randomUUID(),
      consumer_generation: null,
      consumer_type: CONSUMER_TYPE,
    }),
  });
  if (!response.ok) throw new Error(`could not allocate for somebody else: ${await response.text()}`);
};

const writeAllocation = async (
  { store, keys, hosts }: Stage,
  { consumer, resources }: Pick<Foreign, 'consumer' | 'resources'>,
): Promise<void> => {
  await using counted = await openEtcdStore({ store, prefix: keys.placement, log: silentLogger() });
  const request = {
    uuid: consumer,
    project: randomUUID(),
    user: randomUUID(),
    type: CONSUMER_TYPE,
    generation: null,
    allocations: Object.fromEntries(hosts.map(({ uuid }) => [uuid, resources])),
  };
  await counted.write((draft) => replaceAllocations(draft, [request]));
};

const startDomain = async ({ hasGuests }: Stage, { link }: Stage['hosts'][number]): Promise<string> => {
  const uuid = randomUUID();
  const xml = renderDomain({
    type: hasGuests ? 'qemu' : 'test',
    uuid,
    name: `foreign-${uuid.slice(0, 8)}`,
    vcpus: 1,
    // It has nothing to boot from, and waits for ever.
    memoryMiB: hasGuests ? 16 : 64,
    disks: [],
    interfaces: [],
  });
  await using domain = await link.get().domainDefineXML(xml);
  await domain.create();
  return uuid;
};
