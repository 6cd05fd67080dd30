import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '@etcd-compute/common/log';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { WatchEvent } from '@etcd-compute/common/etcd/store-watch';
import { openEtcdStore } from '@etcd-compute/placement/store/etcd-store';
import { startEtcdCluster } from '@etcd-compute/testing/etcd-cluster';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addProvider, countPlaces, open, outcomeOf, takePlace, type OpenedStore } from './places.js';

/** What the store makes of lost replies, cuts, compactions, a watch that lags or is deaf, and an etcd that ends or is full. */
let etcd: EtcdServer;
let proxy: TcpProxy;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(async () => etcd.stop());

let count = 0;
let prefix = '';
/** Goes straight to etcd. */
let sure: OpenedStore;
/** Goes through the proxy, and gives up a call after a second. */
let through: OpenedStore;
beforeEach(async () => {
  count += 1;
  prefix = `/placement${count}/`;
  proxy = await startTcpProxy(etcd);
  sure = await open(etcd, { prefix });
  through = await open(proxy, { prefix, timeoutSeconds: 1 });
  await sure.write(addProvider('host', 1_000));
  await through.read(countPlaces('host'));
});
afterEach(async () => {
  await through[Symbol.asyncDispose]();
  await sure[Symbol.asyncDispose]();
  await proxy.stop();
});

const places = async (store: OpenedStore): Promise<{ used: number; generation: number; consumers: number }> =>
  store.read(countPlaces('host'));
const all = (used: number) => ({ used, generation: used, consumers: used });

describe('a write whose reply is lost', () => {
  test('was committed: it is done, and done once', async () => {
    await through.write(takePlace('host'));
    proxy.stall('down');
    const writing = Promise.all([through.write(takePlace('host')), through.write(takePlace('host'))]);
    await waitFor(async () => (await places(sure)).used > 1, { what: 'the write to be committed' });
    // Others go on meanwhile, with the same provider.
    await sure.write(takePlace('host'));
    proxy.cutAll();
    proxy.resume();
    expect((await writing).toSorted((a, b) => a - b)).toEqual([2, 4]);
    expect(await places(sure)).toEqual(all(4));
  });

  test('which had deleted something: the deletion is not asked for again', async () => {
    await sure.write((draft) => draft.put('class', 'CUSTOM_A', { createdAt: 0, updatedAt: 0 }));
    await through.write(takePlace('host'));
    proxy.stall('down');
    const deleting = through.write((draft) => {
      if (!draft.get('class', 'CUSTOM_A')) throw new Error('it has gone');
      draft.delete('class', 'CUSTOM_A');
    });
    const isThere = async (): Promise<boolean> => sure.read((view) => view.customClasses().has('CUSTOM_A'));
    await waitFor(async () => !(await isThere()), { what: 'the deletion' });
    proxy.cutAll();
    proxy.resume();
    expect(await outcomeOf(deleting)).toBe('done');
  });

  test('was never delivered: it is written after all', async () => {
    await through.write(takePlace('host'));
    proxy.stall('up');
    const writing = through.write(takePlace('host'));
    // It is in the proxy then.
    await delay(50);
    proxy.cutAll();
    proxy.resume();
    expect(await writing).toBe(2);
    expect(await places(sure)).toEqual(all(2));
  });

  test('is delivered late: it is written once', async () => {
    await through.write(takePlace('host'));
    proxy.stall('up');
    const writing = through.write(takePlace('host'));
    // It is given up by then.
    await delay(1_200);
    proxy.resume();
    expect(await writing).toBe(2);
    expect(await places(sure)).toEqual(all(2));
  });

  test('cannot be asked after: that is said, and what follows is right all the same', async () => {
    await using hasty = await open(proxy, { prefix, timeoutSeconds: 1, deadlineMs: 1_000 });
    await hasty.write(takePlace('host'));
    proxy.stall('down');
    const failure = hasty.write(takePlace('host'));
    await expect(failure).rejects.toMatchObject({
      code: 'ECOMPUTE_ETCD_UNREACHABLE',
      message: `could not find out in etcd at ${hasty.etcd.endpoints} whether what was to be written below ${prefix} was written`,
      details: { isOutcomeUnknown: true },
    });
    proxy.cutAll();
    proxy.resume();
    expect(await hasty.write(takePlace('host'))).toBe(3);
    expect(await places(sure)).toEqual(all(3));
  });
});

test('connections are cut all the time: what is done is done once, and the sums are right', async () => {
  const outcomes: string[] = [];
  const stop = new AbortController();
  const clients = [through, through, through, through, sure, sure].map(async (store) => {
    while (!stop.signal.aborted) outcomes.push(await outcomeOf(store.write(takePlace('host'))));
  });
  for (let cut = 0; cut < 25; cut += 1) {
    await delay(60);
    proxy.cutAll();
  }
  stop.abort();
  await Promise.all(clients);
  const done = outcomes.filter((outcome) => outcome === 'done').length;
  const { used, generation, consumers } = await places(sure);
  expect([generation, consumers]).toEqual([used, used]);
  expect(used - done).toBeLessThanOrEqual(outcomes.filter((outcome) => outcome.includes('find out')).length);
  expect(done).toBeGreaterThan(25);
  expect(await places(through)).toEqual(all(used));
});

test('a process ends in the middle of its writes: the others go on, and nothing is half done', async () => {
  const hopeless = Array.from({ length: 40 }, async () => outcomeOf(through.write(takePlace('host'))));
  await waitFor(async () => (await places(sure)).used > 0, { what: 'the first writes' });
  await proxy.refuse(true);
  proxy.cutAll();
  const { used } = await places(sure);
  expect(await sure.write(takePlace('host'))).toBe(used + 1);
  expect(await places(sure)).toEqual(all(used + 1));
  await proxy.refuse(false);
  await Promise.all(hopeless);
});

describe('the copy in memory', () => {
  test('is made anew when etcd has compacted what the watch missed, and what has gone is gone', async () => {
    await sure.write((draft) => draft.put('class', 'CUSTOM_GONE', { createdAt: 0, updatedAt: 0 }));
    expect(await through.read((view) => view.customClasses().size)).toBe(1);
    await proxy.refuse(true);
    proxy.cutAll();
    await sure.write((draft) => draft.delete('class', 'CUSTOM_GONE'));
    for (let place = 0; place < 20; place += 1) await sure.write(takePlace('host'));
    const head = await sure.etcd.get(`${prefix}head`);
    await runCommand(['etcdctl', '--endpoints', `${etcd.host}:${etcd.port}`, 'compact', head?.modRevision ?? ''], {
      env: { ...process.env, ETCDCTL_API: '3' },
    });
    await proxy.refuse(false);
    await waitFor(async () => places(through), { what: 'the connection' });
    expect(await through.write(takePlace('host'))).toBe(21);
    expect(await through.read((view) => view.customClasses().size)).toBe(0);
    expect(await places(through)).toEqual(all(21));
  });

  const openWith = async (watch: (events: () => void) => void) =>
    openEtcdStore({
      prefix,
      log: silentLogger(),
      deadlineMs: 2_000,
      store: {
        ...sure.etcd,
        watch: (target, from, handlers) =>
          sure.etcd.watch(target, from, {
            ...handlers,
            onEvents: (events: readonly WatchEvent[]) => watch(() => handlers.onEvents?.(events)),
          }),
      } satisfies Store,
    });

  test('lags: nothing that is right is refused, and reads see what was written before them', async () => {
    await using late = await openWith((tell) => setTimeout(tell, 150));
    for (let turn = 0; turn < 5; turn += 1) {
      await sure.write(addProvider(`host${turn}`, 2));
      expect(await late.write(takePlace(`host${turn}`))).toBe(1);
      await sure.write(takePlace(`host${turn}`));
      expect(await outcomeOf(late.write(takePlace(`host${turn}`)))).toBe(`host${turn} is full`);
      expect(await late.read(countPlaces(`host${turn}`))).toEqual(all(2));
    }
  });

  test('has a watch that tells nothing: it is made anew until it is right', async () => {
    await using deaf = await openWith(() => undefined);
    await sure.write(takePlace('host'));
    expect(await deaf.read(countPlaces('host'))).toEqual(all(1));
    expect(await deaf.write(takePlace('host'))).toBe(2);
    await sure.write(takePlace('host'));
    expect(await deaf.write(takePlace('host'))).toBe(4);
  });
});

describe('an etcd of its own', () => {
  test('is restarted: writes wait for it or say so, and nothing is lost', async () => {
    await using own = await startEtcd();
    await using store = await open(own, { prefix, timeoutSeconds: 2 });
    await store.write(addProvider('host', 1_000));
    const outcomes: string[] = [];
    const stop = new AbortController();
    const clients = [1, 2, 3, 4].map(async () => {
      while (!stop.signal.aborted) outcomes.push(await outcomeOf(store.write(takePlace('host'))));
    });
    await waitFor(() => outcomes.length > 20, { what: 'the first writes' });
    await own.kill('SIGKILL');
    await own.restart();
    const before = outcomes.length;
    await waitFor(() => outcomes.slice(before).filter((outcome) => outcome === 'done').length > 20, {
      what: 'writes after it',
    });
    stop.abort();
    await Promise.all(clients);
    const done = outcomes.filter((outcome) => outcome === 'done').length;
    const { used, generation, consumers } = await store.read(countPlaces('host'));
    expect([generation, consumers]).toEqual([used, used]);
    const unknown = outcomes.filter((outcome) => outcome.includes('find out')).length;
    expect(used - done).toBeGreaterThanOrEqual(0);
    expect(used - done).toBeLessThanOrEqual(unknown);
  });

  test('has three members, of which one ends and comes back: writes and reads go on', async () => {
    await using cluster = await startEtcdCluster();
    await using store = await open(cluster.members, { prefix, timeoutSeconds: 2 });
    await store.write(addProvider('host', 1_000));
    const takeSome = async (): Promise<void> => {
      const { used } = await store.read(countPlaces('host'));
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, async () => outcomeOf(store.write(takePlace('host')))),
      );
      expect(outcomes.filter((outcome) => outcome !== 'done')).toEqual([]);
      expect(await store.read(countPlaces('host'))).toEqual(all(used + 20));
    };
    await takeSome();
    for (const member of cluster.members) {
      await member.kill('SIGKILL');
      // The two that are left may have to elect a leader first.
      await waitFor(async () => store.read(countPlaces('host')), { what: 'two members' });
      await takeSome();
      await member.restart();
      await takeSome();
    }
  });

  test('is full: writes say so, reads go on', async () => {
    await using own = await startEtcd({ args: [`--quota-backend-bytes=${4 * 1024 * 1024}`] });
    await using store = await open(own, { prefix });
    await store.write(addProvider('host', 10));
    await store.write(takePlace('host'));
    const big = 'x'.repeat(1024 * 1024);
    const fill = async (): Promise<void> => {
      for (let key = 0; ; key += 1)
        await store.etcd.txn([{ key: `/${key}`, modRevision: '0' }], [{ op: 'put', key: `/${key}`, value: big }]);
    };
    await expect(fill()).rejects.toThrow('its database is full');
    await expect(store.write(takePlace('host'))).rejects.toMatchObject({
      code: 'ECOMPUTE_ETCD_REFUSED',
      message: expect.stringMatching(/its database is full$/),
      retryable: true,
    });
    expect(await store.read(countPlaces('host'))).toEqual(all(1));
  });
});
