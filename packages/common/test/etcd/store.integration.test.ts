import { etcdSection } from '@etcd-compute/common/config/sections';
import { isSurelyUnwritten } from '@etcd-compute/common/etcd/errors';
import { openStore, type KeyRevision, type Store } from '@etcd-compute/common/etcd/store';
import { followPrefix } from '@etcd-compute/common/etcd/follow';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** The store and the watch on a real etcd, also while it is cut off, restarted and compacted. */
let etcd: EtcdServer;
let proxy: TcpProxy;
let store: Store;

const open = async (server: { host: string; port: number }, timeout = 5): Promise<Store> =>
  openStore(etcdSection.parse({ host: server.host, port: server.port, timeout }));

beforeAll(async () => {
  etcd = await startEtcd();
  proxy = await startTcpProxy(etcd);
  store = await open(etcd);
});
afterAll(async () => {
  await store.close();
  await proxy.stop();
  await etcd.stop();
});

const etcdctl = async (...args: string[]): Promise<string> =>
  (
    await runCommand(['etcdctl', '--endpoints', `${etcd.host}:${etcd.port}`, ...args], {
      env: { ...process.env, ETCDCTL_API: '3' },
    })
  ).stdout;

const put = async (key: string, value: string, modRevision?: string): Promise<{ isCommitted: boolean }> =>
  store.txn(
    [{ key, modRevision: modRevision ?? (await store.get(key))?.modRevision ?? '0' }],
    [{ op: 'put', key, value }],
  );

describe('txn', () => {
  test('writes all when every guard holds, and nothing when one does not', async () => {
    const first = await store.txn(
      [
        { key: '/t/a', modRevision: '0' },
        { key: '/t/b', modRevision: '0' },
      ],
      [
        { op: 'put', key: '/t/a', value: '1' },
        { op: 'put', key: '/t/b', value: '1' },
      ],
    );
    const { entries } = await store.getMany(['/t/a', '/t/none', '/t/b']);
    expect(entries.map((entry) => entry?.modRevision)).toEqual([first.revision, undefined, first.revision]);

    await put('/t/b', '2');
    const lost = await store.txn(
      [
        { key: '/t/a', modRevision: first.revision },
        { key: '/t/b', modRevision: first.revision },
      ],
      [
        { op: 'put', key: '/t/a', value: 'lost' },
        { op: 'delete', key: '/t/b' },
      ],
    );
    expect(lost.isCommitted).toBe(false);
    const after = await store.getMany(['/t/a', '/t/b']);
    expect(after.entries.map((entry) => entry?.value)).toEqual(['1', '2']);
  });

  test('of twenty that compare the same revision, one wins', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => put('/t/race', String(index), '0')),
    );
    const winners = results.flatMap(({ isCommitted }, index) => (isCommitted ? [String(index)] : []));
    expect(winners).toHaveLength(1);
    expect((await store.get('/t/race'))?.value).toBe(winners[0]);
  });

  test('without a guard it is a mistake', async () => {
    await expect(store.txn([], [{ op: 'delete', key: '/t/a' }])).rejects.toThrow('a txn needs a guard');
  });

  test('list gives what is under the prefix, as of one revision, and values of any text', async () => {
    const value = 'ü\n"\u0000';
    await put('/l/1', value);
    await put('/l/2', '');
    const { entries, revision } = await store.list('/l/');
    expect(entries.map(({ key, value: text }) => [key, text])).toEqual([
      ['/l/1', value],
      ['/l/2', ''],
    ]);
    expect(revision).toBe(entries[1]?.modRevision);
    expect((await store.list('/l')).entries).toHaveLength(2);
    expect((await store.list('/nothing/')).entries).toEqual([]);
  });
});

describe('lease', () => {
  test('its keys live while it is kept, go when it is revoked, and its loss is told', async () => {
    const lease = await store.grantLease(60);
    await store.txn(
      [{ key: '/lease/a', modRevision: '0' }],
      [{ op: 'put', key: '/lease/a', value: '1', lease: lease.id }],
    );
    expect((await store.get('/lease/a'))?.lease).toBe(lease.id);
    expect(await lease.keepAlive()).toBe(true);
    await lease.revoke();
    expect(await store.get('/lease/a')).toBeUndefined();
    expect(await lease.keepAlive()).toBe(false);
  });

  test('one that is not kept alive ends by itself', async () => {
    const lease = await store.grantLease(1);
    await store.txn(
      [{ key: '/lease/b', modRevision: '0' }],
      [{ op: 'put', key: '/lease/b', value: '1', lease: lease.id }],
    );
    await waitFor(async () => (await store.get('/lease/b')) === undefined, { what: 'the lease to end' });
    expect(await lease.keepAlive()).toBe(false);
  });
});

describe('an etcd that does not answer', () => {
  test('refused: told at once, with its address, and surely nothing was written', async () => {
    await using away = await open({ host: '127.0.0.1', port: 1 });
    const error: unknown = await away.get('/a').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ECOMPUTE_ETCD_UNREACHABLE', retryable: true });
    expect(error).toMatchObject({ message: 'could not get /a in etcd at http://127.0.0.1:1' });
    expect(isSurelyUnwritten(error)).toBe(true);
  });

  test('deaf: told at the deadline, and nobody knows whether it was written', async () => {
    await using slow = await open(proxy, 0.5);
    await slow.get('/a');
    proxy.stall('down');
    const error: unknown = await slow
      .txn([{ key: '/deaf', modRevision: '0' }], [{ op: 'put', key: '/deaf', value: '1' }])
      .catch((thrown: unknown) => thrown);
    proxy.resume();
    expect(error).toMatchObject({ code: 'ECOMPUTE_ETCD_UNREACHABLE' });
    expect(isSurelyUnwritten(error)).toBe(false);
    expect((await store.get('/deaf'))?.value).toBe('1');
    await waitFor(async () => slow.get('/a').then(() => true), { what: 'the connection to work again' });
  });
});

describe('followPrefix', () => {
  interface Follower extends AsyncDisposable {
    /** What a reader that reads every key again on a hint has seen last. */
    readonly seen: Map<string, string>;
    readonly troubles: string[];
    lists: number;
  }

  /** Follows `/w/` through the proxy and reads again what changed, as a reconciler does. */
  const follow = async (prefix: string, relistMs = 3_600_000): Promise<Follower> => {
    const through = await open(proxy);
    const stop = new AbortController();
    const seen = new Map<string, string>();
    const follower: Follower = {
      seen,
      troubles: [],
      lists: 0,
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        await watching;
        await through.close();
      },
    };
    const read = async (key: string): Promise<void> => {
      const entry = await store.get(key).catch(() => undefined);
      if (entry) seen.set(key, entry.value);
    };
    const onList = (entries: readonly KeyRevision[]): void => {
      follower.lists += 1;
      for (const { key } of entries) void read(key);
    };
    const watching = followPrefix({
      store: through,
      prefix,
      relistMs,
      onList,
      onChange: (keys) => {
        for (const key of keys) void read(key);
      },
      onTrouble: (err) => follower.troubles.push(err.message),
      signal: stop.signal,
    });
    await waitFor(() => follower.lists > 0, { what: 'the first list' });
    return follower;
  };

  const waitToSee = async (follower: Follower, key: string, value: string): Promise<void> => {
    await waitFor(() => follower.seen.get(key) === value, { what: `${key} to be seen as ${value}` });
  };

  test('lists what is there, then tells of every change, and of nothing beside the prefix', async () => {
    await put('/w1/old', '1');
    await using follower = await follow('/w1/');
    await waitToSee(follower, '/w1/old', '1');
    await put('/w1x', 'beside');
    for (let count = 0; count < 50; count += 1) await put(`/w1/${count}`, 'new');
    await waitFor(() => follower.seen.size === 51, { what: '50 changes' });
    expect(follower.lists).toBe(1);
    expect(follower.troubles).toEqual([]);
  });

  test('lists again every period', async () => {
    await using follower = await follow('/w2/', 20);
    await waitFor(() => follower.lists > 5, { what: 'some periods' });
    expect(follower.troubles).toEqual([]);
  });

  test('survives a restart of etcd, and sees what was written right after it', async () => {
    await using follower = await follow('/w3/');
    await put('/w3/a', '1');
    await waitToSee(follower, '/w3/a', '1');
    await etcd.kill('SIGKILL');
    await etcd.restart();
    await waitFor(async () => put('/w3/a', '2').then(() => true), { what: 'etcd to take writes again' });
    await waitToSee(follower, '/w3/a', '2');
    expect(follower.troubles.length).toBeGreaterThan(0);
    await put('/w3/b', '1');
    await waitToSee(follower, '/w3/b', '1');
  });

  test('a cut, writes and a compaction behind its back: everything is seen, by listing again', async () => {
    await using follower = await follow('/w4/');
    await proxy.refuse(true);
    proxy.cutAll();
    await waitFor(() => follower.troubles.length > 0, { what: 'the cut to be noticed' });
    for (let count = 0; count < 90; count += 1) await put(`/w4/${count % 30}`, String(count));
    const { entries, revision } = await store.list('/w4/');
    await etcdctl('compact', revision);
    await proxy.refuse(false);
    await waitFor(() => entries.every(({ key, value }) => follower.seen.get(key) === value), {
      what: 'all 30 keys in their newest version',
    });
    expect(entries.map(({ value }) => Number(value)).toSorted((a, b) => a - b)[0]).toBe(60);
  });

  test('cut again and again while others write: the end is what is in etcd', async () => {
    await using follower = await follow('/w5/');
    for (let round = 0; round < 10; round += 1) {
      for (let count = 0; count < 20; count += 1) await put(`/w5/${count}`, `${round}`);
      proxy.cutAll();
    }
    const { entries } = await store.list('/w5/');
    await waitFor(() => entries.every(({ key, value }) => follower.seen.get(key) === value), {
      what: 'what is in etcd',
    });
    expect(follower.seen.size).toBe(20);
  });

  test('a watch from a compacted revision ends, with a reason', async () => {
    const { revision } = await store.list('/w6/');
    await put('/w6/a', '1');
    await put('/w6/a', '2');
    await etcdctl('compact', (await store.list('/w6/')).revision);
    const ended: string[] = [];
    const stop = store.watch({ prefix: '/w6/' }, revision, {
      onChange: () => undefined,
      onEnd: (reason) => ended.push(reason),
    });
    await waitFor(() => ended.length > 0, { what: 'the watch to end' });
    stop();
    expect(ended).toHaveLength(1);
    expect(ended[0]).not.toBe('');
  });

  test('its end is quiet, also while etcd is away', async () => {
    const follower = await follow('/w7/');
    await proxy.refuse(true);
    proxy.cutAll();
    await waitFor(() => follower.troubles.length > 0, { what: 'the cut to be noticed' });
    await follower[Symbol.asyncDispose]();
    await proxy.refuse(false);
    const { length } = follower.troubles;
    await put('/w7/a', '1');
    expect(follower.troubles).toHaveLength(length);
  });
});
