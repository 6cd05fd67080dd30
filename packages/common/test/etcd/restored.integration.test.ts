import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { openEtcdAuth } from '@etcd-compute/common/etcd/store-auth';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { startEtcdCluster } from '@etcd-compute/testing/etcd-cluster';
import { restoreSnapshot, saveSnapshot } from '@etcd-compute/testing/etcd-snapshot';
import { runCommand } from '@etcd-compute/testing/run-command';
import { expect, test } from 'vitest';

/** More than etcd writes by itself when it starts from a snapshot. */
const WRITES = 300;

test('etcd: a user whose token is of before a restore gets another one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'restored-'));
  await using etcd = await startEtcdCluster({ size: 1 });
  const [member] = etcd.members;
  if (!member) throw new Error('etcd has no members');
  const root = { user: 'root', password: 'of-root' };
  const section = { host: member.host, port: member.port, timeout: 2 };
  await using auth = await openEtcdAuth(etcdSection.parse(section));
  await auth.createUser(root.user, root.password);
  await auth.ensureUserHasRole(root.user, 'root');
  const etcdctl = ['etcdctl', '--endpoints', `${member.host}:${member.port}`];
  await runCommand([...etcdctl, 'auth', 'enable'], { env: { ...process.env, ETCDCTL_API: '3' } });
  const snapshot = join(folder, 'snapshot');
  await saveSnapshot(member, snapshot, root);

  const config = etcdSection.parse({ ...section, ...root });
  await using writer = await openStore(config);
  const key = '/one';
  let modRevision = '0';
  for (let write = 0; write < WRITES; write += 1)
    modRevision = (await writer.txn([{ key, modRevision }], [{ op: 'put', key, value: 'x' }])).revision;
  // Several, because now and then etcd says in time that it knows the token no more.
  const stores = await Promise.all(Array.from({ length: 6 }, async () => openStore(config)));
  for (const store of stores) await store.get(key);
  await restoreSnapshot(etcd.members, snapshot);
  const call = async (store: Store): Promise<boolean> =>
    store.get(key).then(
      () => true,
      () => false,
    );
  await Promise.all(stores.map(call));
  expect(await Promise.all(stores.map(call))).toEqual(stores.map(() => true));
  await Promise.all(stores.map(async (store) => store.close()));
  await rm(folder, { recursive: true });
});
