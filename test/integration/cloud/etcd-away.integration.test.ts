/** What was written stands, whatever becomes of etcd afterwards: a wait that etcd leaves alone ends in time, and says what was written. */
import { createCloud, type Cloud, type CloudEvent } from '@etcd-compute/cloud';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { openStore } from '@etcd-compute/common/etcd/store';
import { newProviderUuid } from '@etcd-compute/common/ids';
import { startTcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SMALL, startWorld, type World } from '../fixtures/agent-world.js';
import { openTestCapacity } from '../fixtures/counting.js';
import { putInstances } from '../fixtures/put-instances.js';
import { addRoomyHost } from '../fixtures/step-deps.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await addRoomyHost(world, newProviderUuid());
  await putInstances(world, 2);
});
afterAll(async () => world[Symbol.asyncDispose]());

type Written = CloudEvent['type'];

/** Runs a verb of a cloud whose etcd goes away as soon as it says that it has written. */
const withoutEtcdAfter = async <T>(
  written: Written,
  verb: (cloud: Cloud, onEvent: (event: CloudEvent) => void) => Promise<T>,
): Promise<T> => {
  const { host, port } = world.etcd;
  await using proxy = await startTcpProxy({ host, port });
  const store = await openStore(etcdSection.parse({ host: proxy.host, port: proxy.port, timeout: 2 }));
  try {
    const cloud = createCloud({ store, capacity: openTestCapacity(world.client, store) });
    return await verb(cloud, ({ type }) => {
      if (type !== written) return;
      void proxy.refuse(true);
      proxy.cutAll();
    });
  } finally {
    await store.close();
  }
};

const TIMED_OUT = [expect.objectContaining({ code: 'ECOMPUTE_TIMED_OUT' })];

test('a boot says what was placed', async () => {
  const options = { want: { resources: SMALL }, image: world.imageUrl, name: 'web', needsAgents: false, waitMs: 3_000 };
  const { booted, errors } = await withoutEtcdAfter('placed', async (cloud, onEvent) =>
    cloud.boot({ ...options, onEvent }),
  );
  expect(booted).toMatchObject([{ end: 'timed-out', instance: { name: 'web', state: 'scheduled' } }]);
  expect(errors).toEqual(TIMED_OUT);
});

test('a wish says what was asked for', async () => {
  const { instances, errors } = await withoutEtcdAfter('asked', async (cloud, onEvent) =>
    cloud.ask('start', ['many-0'], { waitMs: 3_000, onEvent }),
  );
  expect(instances).toMatchObject([{ name: 'many-0' }]);
  expect(errors).toEqual(TIMED_OUT);
});

test('a destroy says what was asked for', async () => {
  const { instances, errors } = await withoutEtcdAfter('destroy-asked', async (cloud, onEvent) =>
    cloud.destroy(['many-1'], { waitMs: 3_000, onEvent }),
  );
  expect(instances).toMatchObject([{ name: 'many-1' }]);
  expect(errors).toEqual(TIMED_OUT);
});
