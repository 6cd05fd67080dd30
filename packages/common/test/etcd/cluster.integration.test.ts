import { etcdSection } from '@etcd-compute/common/config/sections';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { startEtcdCluster, type EtcdCluster } from '@etcd-compute/testing/etcd-cluster';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** Our store and an etcd of three members, one of which is away. */
let etcd: EtcdCluster;
let store: Store;
beforeEach(async () => {
  etcd = await startEtcdCluster();
  store = await openStore(etcdSection.parse({ hosts: etcd.members.map(({ endpoint }) => endpoint), timeout: 4 }));
});
afterEach(async () => {
  await store.close();
  await etcd.stop();
});

const CALLS = 60;

const writeAndRead = async (): Promise<void> => {
  for (let call = 0; call < CALLS; call += 1) {
    const key = `/test/${call}`;
    const entry = await store.get(key);
    const guard = { key, modRevision: entry?.modRevision ?? '0' };
    expect((await store.txn([guard], [{ op: 'put', key, value: 'x' }])).isCommitted).toBe(true);
  }
  expect((await store.list('/test/')).entries).toHaveLength(CALLS);
};

test('etcd cluster: with one member killed every call succeeds, and a lease lives on', async () => {
  await writeAndRead();
  const lease = await store.grantLease(30);
  await etcd.members[1]?.kill('SIGKILL');
  // The two that are left may have to elect a leader first.
  await expect.poll(async () => store.get('/test/0').catch(() => undefined)).toBeDefined();
  await writeAndRead();
  expect(await lease.keepAlive()).toBe(true);
});

test('etcd cluster: with all members killed a call says why, and succeeds when they are back', async () => {
  await writeAndRead();
  await Promise.all(etcd.members.map(async (member) => member.kill('SIGKILL')));
  for (let call = 0; call < 5; call += 1)
    await expect(store.get('/test/0')).rejects.toMatchObject({
      code: 'ECOMPUTE_ETCD_UNREACHABLE',
      cause: { message: expect.stringMatching(/ECONNREFUSED|ECONNRESET|Connection dropped|DEADLINE_EXCEEDED/) },
    });
  await Promise.all(etcd.members.map(async (member) => member.restart()));
  await expect.poll(async () => store.get('/test/0').catch(() => undefined)).toBeDefined();
});
