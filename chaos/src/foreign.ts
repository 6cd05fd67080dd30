import { randomUUID } from 'node:crypto';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
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

/** Of another consumer type. Past our own client, which writes only instances. */
const putAllocation = async (
  { placementServer, hosts }: Stage,
  { consumer, resources }: Pick<Foreign, 'consumer' | 'resources'>,
): Promise<void> => {
  const response = await fetch(`${placementServer.endpoint}/allocations/${consumer}`, {
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
      consumer_type: 'SOMEBODY_ELSE',
    }),
  });
  if (!response.ok) throw new Error(`could not allocate for somebody else: ${await response.text()}`);
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
