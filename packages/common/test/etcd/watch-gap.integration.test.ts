import { etcdSection } from '@etcd-compute/common/config/sections';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { followPrefix } from '@etcd-compute/common/etcd/follow';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';
// oxlint-disable-next-line no-restricted-imports -- its own behaviour is what is shown here
import { Etcd3 } from 'etcd3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

/**
 * The hole in etcd3's watcher, and that we do not fall into it: a cut, 3,000 writes, and another cut in the moment in which the
 * watcher is connected again and has not caught up. etcd3 then goes on from the newest revision, in silence.
 */
const WRITES = 3_000;
const TXN_OPERATIONS = 100;

let etcd: EtcdServer;
let store: Store;
let proxy: TcpProxy;
beforeAll(async () => {
  etcd = await startEtcd();
  store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port }));
});
beforeEach(async () => {
  proxy = await startTcpProxy(etcd);
});
afterEach(async () => proxy.stop());
afterAll(async () => {
  await store.close();
  await etcd.stop();
});

const putMany = async (prefix: string): Promise<string[]> => {
  const keys = Array.from({ length: WRITES }, (_, index) => `${prefix}${index}`);
  for (let start = 0; start < WRITES; start += TXN_OPERATIONS) {
    const chunk = keys.slice(start, start + TXN_OPERATIONS);
    await store.txn(
      chunk.map((key) => ({ key, modRevision: '0' })),
      chunk.map((key) => ({ op: 'put', key, value: 'written while cut off' })),
    );
  }
  return keys;
};

const putMarker = async (key: string): Promise<void> => {
  await store.txn([{ key, modRevision: '0' }], [{ op: 'put', key, value: 'after all' }]);
};

test('etcd3’s own watcher loses all that was written, and says nothing', async () => {
  const client = new Etcd3({ hosts: proxy.endpoint });
  const seen = new Set<string>();
  const errors: Error[] = [];
  let connects = 0;
  const watcher = client.watch().prefix('/bare/').watcher();
  watcher.on('put', ({ key }) => seen.add(key.toString()));
  watcher.on('error', (error) => errors.push(error));
  watcher.on('connected', () => {
    connects += 1;
    if (connects === 2) proxy.cutAll();
  });
  await waitFor(() => connects === 1, { what: 'the watch' });
  await proxy.refuse(true);
  proxy.cutAll();
  await putMany('/bare/');
  await proxy.refuse(false);
  await waitFor(() => connects >= 3, { what: 'the watch to be made for the third time' });
  await putMarker('/bare/marker');
  await waitFor(() => seen.has('/bare/marker'), { what: 'what is written after the gap' });
  await watcher.cancel();
  client.close();
  expect({ seen: seen.size, errors }).toEqual({ seen: 1, errors: [] });
});

test('ours delivers all of it, with the same cuts', async () => {
  const through = await openStore(etcdSection.parse({ host: proxy.host, port: proxy.port }));
  const stop = new AbortController();
  const seen = new Set<string>();
  let lists = 0;
  let troubles = 0;
  const watching = followPrefix({
    store: through,
    prefix: '/ours/',
    relistMs: 3_600_000,
    onList: (entries) => {
      lists += 1;
      // The watch is connected again, and what follows the list is on its way.
      if (lists === 2) proxy.cutAll();
      else for (const { key } of entries) seen.add(key);
    },
    onChange: (keys) => {
      for (const key of keys) seen.add(key);
    },
    onTrouble: () => (troubles += 1),
    signal: stop.signal,
  });
  await waitFor(() => lists === 1, { what: 'the first list' });
  await proxy.refuse(true);
  proxy.cutAll();
  await waitFor(() => troubles > 0, { what: 'the cut to be noticed' });
  const keys = await putMany('/ours/');
  await proxy.refuse(false);
  await waitFor(() => lists >= 3, { what: 'the list after the second cut' });
  await putMarker('/ours/marker');
  await waitFor(() => seen.has('/ours/marker'), { what: 'what is written after the gap' });
  stop.abort();
  await watching;
  await through.close();
  expect(keys.filter((key) => !seen.has(key))).toEqual([]);
});
