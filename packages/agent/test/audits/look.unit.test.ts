import { takeLook } from '@etcd-compute/agent/audits/look';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import { expect, test } from 'vitest';

const keys = createKeys('');
const host = newProviderUuid();

test('an instance whose request goes while the look is taken is no leftover: what was seen of it is out of date', async () => {
  const [goes, stays, orphan] = [newInstanceUuid(), newInstanceUuid(), newInstanceUuid()];
  let requests = [goes, stays];
  const look = await takeLook({
    store: {
      listKeys: async () => ({
        entries: requests.map((instance) => ({ key: keys.request(host, instance), modRevision: '1' })),
        revision: '1',
      }),
      getMany: async () => ({ entries: [], revision: '1' }),
    },
    keys,
    host,
    provider: {
      consumers: async () => {
        requests = [stays];
        return new Map([goes, stays, orphan].map((instance) => [instance, {}]));
      },
    },
    steps: {
      getConnection: () => {
        throw new Error('no libvirt here');
      },
      lend: async () => Promise.reject(new Error('no libvirt here')),
      pool: { name: 'disks', folder: '/disks' },
      configDrivesDir: '/config-drives',
      consolesDir: '/consoles',
    },
  });
  expect([...look.getHolders()].filter((instance) => !look.requestsMeanwhile.has(instance))).toEqual([orphan]);
  expect([...look.requests]).toEqual([stays]);
});
