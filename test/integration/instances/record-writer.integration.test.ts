import { RecordWriter } from '@etcd-compute/agent/instances/record-writer';
import { takeFence } from '@etcd-compute/agent/session/fence';
import { bootRequestSchema } from '@etcd-compute/common/etcd/messages/boot-request';
import { newProviderUuid, newSessionUuid } from '@etcd-compute/common/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bootMessage, startWorld, type World } from '../fixtures/agent-world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => world[Symbol.asyncDispose]());

test('the end of an instance whose request has changed leaves no lease behind', async () => {
  const { store, keys } = world;
  const [host, session] = [newProviderUuid(), newSessionUuid()];
  const fence = await takeFence({ store, keys, host, session });
  const value = bootRequestSchema.parse({ ...bootMessage(host, {}), image: null });
  const key = keys.request(host, value.instance);
  const { revision } = await store.txn([{ key, modRevision: '0' }], [{ op: 'put', key, value: JSON.stringify(value) }]);
  const writer = new RecordWriter(
    { store, keys, host, session, fence, bootId: 'boot', writesBooted: true },
    { value, modRevision: revision },
    undefined,
  );
  await writer.claim('deleting', 'asked to be destroyed');
  await store.txn([{ key, modRevision: revision }], [{ op: 'put', key, value: JSON.stringify(value) }]);
  await expect(
    writer.finishDelete([], { claim: async () => undefined, inTurn: async (run) => run() }),
  ).rejects.toMatchObject({
    code: 'ECOMPUTE_INSTANCE_CHANGED',
  });
  expect(await world.etcdctl('lease', 'list')).toContain('found 0 leases');
});
