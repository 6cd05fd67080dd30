import { etcdSection } from '@etcd-compute/common/config/sections';
import { followKeys } from '@etcd-compute/common/etcd/follow';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** How much the store reads and writes at a time, and what it says when etcd or a reply has no room. */
const MIB = 1024 * 1024;
let etcd: EtcdServer;
let proxy: TcpProxy;
let store: Store;

const open = async (server: { host: string; port: number }): Promise<Store> =>
  openStore(etcdSection.parse({ host: server.host, port: server.port, timeout: 20 }));

beforeAll(async () => {
  // A value may be larger than the default lets it be, so that one alone is more than we take.
  etcd = await startEtcd({ args: [`--max-request-bytes=${64 * MIB}`] });
  proxy = await startTcpProxy(etcd);
  store = await open(etcd);
});
afterAll(async () => {
  await store.close();
  await proxy.stop();
  await etcd.stop();
});

/** Keys that sort by number, with values. */
const numbered = (prefix: string, { from = 0, count }: { from?: number; count: number }): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(from + index).padStart(6, '0')}`);

const putAll = async (keys: readonly string[], { value, inOneTxn }: { value: string; inOneTxn: number }) => {
  for (let start = 0; start < keys.length; start += inOneTxn) {
    const chunk = keys.slice(start, start + inOneTxn);
    await store.txn(
      chunk.map((key) => ({ key, modRevision: '0' })),
      chunk.map((key) => ({ op: 'put', key, value })),
    );
  }
};

const overwrite = async (key: string, value: string): Promise<string> => {
  const modRevision = (await store.get(key))?.modRevision ?? '0';
  return (await store.txn([{ key, modRevision }], [{ op: 'put', key, value }])).revision;
};

describe('lists', () => {
  test('of 20,000 keys are whole, in order, and as of one revision', async () => {
    const keys = numbered('/many/', { count: 20_000 });
    await putAll(keys, { value: 'old', inOneTxn: 128 });
    const last = keys.at(-1) ?? '';
    let written: Promise<string> | undefined;
    const { entries, revision } = await store.list('/many/', ({ key, value }) => {
      written ??= overwrite(last, 'new');
      return [key, value];
    });
    expect(entries).toEqual(keys.map((key) => [key, 'old']));
    expect(BigInt((await written) ?? '0')).toBeGreaterThan(BigInt(revision));
    const { entries: names } = await store.listKeys('/many/');
    expect(names.map(({ key }) => key)).toEqual(keys);
    expect(names.at(-1)?.modRevision).toBe(await written);
  });

  test('of values far larger than those before them are read in smaller pages', async () => {
    await putAll(numbered('/large/', { count: 1_100 }), { value: 'small', inOneTxn: 128 });
    const keys = numbered('/large/', { from: 1_100, count: 48 });
    await putAll(keys, { value: 'x'.repeat(MIB), inOneTxn: 8 });
    const { entries } = await store.list('/large/', ({ value }) => value.length);
    expect(entries).toHaveLength(1_148);
    expect(entries.reduce((sum, length) => sum + length, 0)).toBe(48 * MIB + 5 * 1_100);
    // 48 MiB do not fit into one reply either.
    const many = await store.getMany(keys);
    expect(many.entries.map((entry) => entry?.key)).toEqual(keys);
    expect(many.entries.every((entry) => entry?.value.length === MIB)).toBe(true);
  });

  test('begin again when etcd compacts in their middle', async () => {
    await putAll(numbered('/compacted/', { count: 5_000 }), { value: 'old', inOneTxn: 128 });
    await using through = await open(proxy);
    let firsts = 0;
    let compacting: Promise<void> | undefined;
    const compact = async (): Promise<void> => {
      const revision = await overwrite('/compacted/000000', 'new');
      await runCommand(['etcdctl', '--endpoints', `${etcd.host}:${etcd.port}`, 'compact', revision], {
        env: { ...process.env, ETCDCTL_API: '3' },
      });
      proxy.resume();
    };
    const { entries } = await through.list('/compacted/', ({ key, value }) => {
      if (key === '/compacted/000000') firsts += 1;
      if (!compacting) proxy.stall('up');
      compacting ??= compact();
      return value;
    });
    await compacting;
    expect(firsts).toBe(2);
    expect([entries.length, entries[0]]).toEqual([5_000, 'new']);
  });

  test('of no key ask nothing', async () => {
    expect((await store.getMany([])).entries).toEqual([]);
    expect((await store.list('/nothing/')).entries).toEqual([]);
  });
});

test('followKeys tells of changes of its keys alone, also of a thousand', async () => {
  const keys = numbered('/followed/', { count: 1_000 });
  const seen = new Set<string>();
  const stop = new AbortController();
  let looks = 0;
  const following = followKeys({
    store,
    keys,
    relistMs: 3_600_000,
    onLook: () => (looks += 1),
    onChange: (changed) => {
      for (const key of changed) seen.add(key);
    },
    onTrouble: () => undefined,
    signal: stop.signal,
  });
  await waitFor(() => looks === 1, { what: 'the first look' });
  await putAll([...numbered('/followed/beside/', { count: 100 }), ...keys], { value: 'new', inOneTxn: 128 });
  await waitFor(() => seen.size === keys.length, { what: 'all changes', onTimeout: () => `${seen.size} seen` });
  expect([...seen].toSorted()).toEqual(keys);
  stop.abort();
  await following;
});

describe('what has no room', () => {
  test('a value larger than a reply may be: the key, the reason, and nothing about a full database', async () => {
    await store.txn(
      [{ key: '/huge/1', modRevision: '0' }],
      [{ op: 'put', key: '/huge/1', value: 'x'.repeat(40 * MIB) }],
    );
    const error = { code: 'ECOMPUTE_ETCD_REPLY_TOO_LARGE', retryable: false };
    await expect(store.get('/huge/1')).rejects.toMatchObject({
      ...error,
      message: `could not get /huge/1 in etcd at ${store.endpoints}: the reply is larger than we take`,
    });
    await expect(store.list('/huge/')).rejects.toMatchObject(error);
    expect((await store.listKeys('/huge/')).entries).toHaveLength(1);
  });

  test.each([
    ['etcd', 1.6],
    ['its side of gRPC', 3],
  ])('a write larger than %s takes', async (_what, size) => {
    await using small = await startEtcd();
    await using own = await open(small);
    const write = own.txn([{ key: '/a', modRevision: '0' }], [{ op: 'put', key: '/a', value: 'x'.repeat(size * MIB) }]);
    await expect(write).rejects.toMatchObject({
      code: 'ECOMPUTE_ETCD_REFUSED',
      message: `could not write /a in etcd at ${own.endpoints}: what is to be written is larger than etcd takes in one request`,
      hint: 'etcd takes 1.5 MiB by default (`--max-request-bytes`)',
    });
  });

  test('a full database', async () => {
    await using small = await startEtcd({ args: [`--quota-backend-bytes=${4 * MIB}`] });
    await using own = await open(small);
    const fill = async (): Promise<void> => {
      for (let count = 0; ; count += 1)
        await own.txn(
          [{ key: `/${count}`, modRevision: '0' }],
          [{ op: 'put', key: `/${count}`, value: 'x'.repeat(MIB) }],
        );
    };
    await expect(fill()).rejects.toMatchObject({
      code: 'ECOMPUTE_ETCD_REFUSED',
      message: expect.stringMatching(/: its database is full$/),
      hint: expect.stringContaining('etcdctl alarm list'),
      retryable: true,
    });
  });
});
