import { newLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { newRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Write } from '@etcd-compute/common/etcd/store';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import { bootMessage, SMALL, type World } from './agent-world.js';

/** Puts what there is in etcd of many instances on a host without an agent, `many-0` and so on. Placement knows nothing of them. */
export const putInstances = async (world: World, count: number): Promise<void> => {
  const host = newProviderUuid();
  const now = new Date();
  const { keys, imageUrl: image } = world;
  const put = (key: string, value: unknown): Write => ({ op: 'put', key, value: JSON.stringify(value) });
  const writes = Array.from({ length: count }).flatMap((_, index): Write[] => {
    const instance = newInstanceUuid();
    const name = `many-${index}`;
    const common = { instance, host, name, project: 'default' };
    return [
      put(keys.report(host, instance), newRecord({ ...common, resources: SMALL, image, reason: 'x'.repeat(500), now })),
      put(keys.request(host, instance), { ...bootMessage(host, { instance, image }), name }),
      put(keys.location(instance), newLocation({ ...common, created_at: now.toISOString() })),
      put(keys.name('default', name), { version: 1, instance }),
    ];
  });
  await putAll(world, writes, 100);
};

export const putAll = async ({ store }: World, writes: readonly Write[], inOneTxn: number): Promise<void> => {
  for (let first = 0; first < writes.length; first += inOneTxn) {
    const chunk = writes.slice(first, first + inOneTxn);
    await store.txn(
      chunk.map(({ key }) => ({ key, modRevision: '0' })),
      chunk,
    );
  }
};
