import { etcdSection } from '@etcd-compute/common/config/sections';
import { openStore, type Store, type Write } from '@etcd-compute/common/etcd/store';
import type { WatchEvent } from '@etcd-compute/common/etcd/store-watch';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

/** Transactions with conditions on ranges and with parts of their own, and what a watch tells of them. */
let etcd: EtcdServer;
let store: Store;
beforeAll(async () => {
  etcd = await startEtcd();
  store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port }));
});
afterAll(async () => {
  await store.close();
  await etcd.stop();
});

let prefix = '';
let count = 0;
beforeEach(() => {
  count += 1;
  prefix = `/${count}/`;
});

const put = (key: string, value = 'x'): Write => ({ op: 'put', key: prefix + key, value });
const remove = (key: string): Write => ({ op: 'delete', key: prefix + key });
const write = async (...writes: Write[]): Promise<string> => (await store.transact({ when: [], writes })).revision;
const keys = async (): Promise<string[]> =>
  (await store.listKeys(prefix)).entries.map(({ key }) => key.slice(prefix.length));

describe('conditions', () => {
  test('a range is empty', async () => {
    await write(put('a/1'));
    const isEmpty = async (range: string): Promise<boolean> =>
      (await store.transact({ when: [{ prefix: prefix + range, is: 'empty' }], writes: [] })).isCommitted;
    expect([await isEmpty('a/'), await isEmpty('a/1'), await isEmpty('b/'), await isEmpty('a/2')]).toEqual([
      false,
      false,
      true,
      true,
    ]);
    await write(remove('a/1'));
    expect(await isEmpty('a/')).toBe(true);
  });

  test('a range has not changed', async () => {
    const before = await write(put('a/1'), put('a/2'));
    const isUnchanged = async (since: string, range = 'a/'): Promise<boolean> =>
      (await store.transact({ when: [{ prefix: prefix + range, is: 'unchanged', since }], writes: [] })).isCommitted;
    expect([await isUnchanged(before), await isUnchanged(before, 'empty/')]).toEqual([true, true]);
    await write(put('b'));
    expect(await isUnchanged(before)).toBe(true);
    const after = await write(put('a/2'));
    expect([await isUnchanged(before), await isUnchanged(after)]).toEqual([false, true]);
  });
});

describe('parts', () => {
  test('each is committed or not by its own conditions, in one revision', async () => {
    const { revision, ...outcome } = await store.transact({
      when: [{ key: `${prefix}none`, modRevision: '0' }],
      writes: [put('whole')],
      parts: [
        { when: [{ key: `${prefix}a`, modRevision: '0' }], writes: [put('a')] },
        { when: [{ key: `${prefix}b`, modRevision: '7' }], writes: [put('b')] },
        // Conditions are about what was there before.
        { when: [{ prefix: `${prefix}a`, is: 'empty' }], writes: [put('c'), put('d')] },
      ],
    });
    expect(outcome).toEqual({
      isCommitted: true,
      parts: [true, false, true].map((isCommitted) => ({ isCommitted, parts: [] })),
    });
    expect(await keys()).toEqual(['a', 'c', 'd', 'whole']);
    const { entries } = await store.list(prefix);
    expect(new Set(entries.map(({ modRevision }) => modRevision))).toEqual(new Set([revision]));
  });

  test('none is written when the conditions of the whole do not hold', async () => {
    const outcome = await store.transact({
      when: [{ key: `${prefix}none`, modRevision: '1' }],
      writes: [put('whole')],
      parts: [{ when: [], writes: [put('a')] }],
    });
    expect(outcome).toMatchObject({ isCommitted: false, parts: [] });
    expect(await keys()).toEqual([]);
  });
});

describe('sizes', () => {
  const many = (from: string, length: number): Write[] =>
    Array.from({ length }, (_, index) => put(`${from}/${String(index).padStart(5, '0')}`));
  const guards = (length: number) =>
    Array.from({ length }, (_, index) => ({ key: `${prefix}guard/${index}`, modRevision: '0' }));

  test.each([
    { when: 1, writes: 4_096 },
    { when: 64, writes: 4_096 },
    { when: 120, writes: 8 * 120 },
    { when: 128, writes: 128 },
  ])('$writes writes under $when conditions are one transaction', async ({ when, writes }) => {
    expect(await store.transact({ when: guards(when), writes: many('a', writes) })).toMatchObject({
      isCommitted: true,
    });
    expect(await store.count(`${prefix}a/`)).toBe(writes);
  });

  test('parts have what the whole leaves', async () => {
    const parts = Array.from({ length: 62 }, (_, index) => ({ when: guards(64), writes: many(`part${index}`, 64) }));
    const { isCommitted } = await store.transact({ when: guards(1), writes: [put('head'), put('more')], parts });
    expect(isCommitted).toBe(true);
    expect(await store.count(`${prefix}part`)).toBe(62 * 64);
  });

  test('what is too much is told before it is sent', async () => {
    await expect(store.transact({ when: guards(1), writes: many('a', 4_097) })).rejects.toMatchObject({
      code: 'ECOMPUTE_ETCD_REFUSED',
      message: `could not write ${prefix}a/00000 and 4096 more keys at once: it is more than etcd takes in one transaction`,
    });
    await expect(store.transact({ when: guards(129), writes: [] })).rejects.toMatchObject({
      code: 'ECOMPUTE_ETCD_REFUSED',
    });
    expect(await keys()).toEqual([]);
  });
});

test('a watch hands over values and deletions, each revision as a whole', async () => {
  const first = await write(put('a', '1'), put('b', '1'));
  const told: (readonly WatchEvent[])[] = [];
  const ended: string[] = [];
  const stop = store.watch({ prefix }, first, {
    onEvents: (events) => told.push(events),
    onEnd: (reason) => ended.push(reason),
  });
  const last = await write(remove('a'), ...Array.from({ length: 100 }, (_, index) => put(`c${index}`, 'three')));
  await waitFor(() => told.flat().length === 103, { what: 'all events' });
  stop();
  const wholes = told.map((events) => new Set(events.map(({ modRevision }) => modRevision)));
  expect(wholes.flatMap((revisions) => [...revisions])).toEqual([first, last]);
  expect(told.flat().slice(0, 3)).toEqual([
    { key: `${prefix}a`, value: '1', modRevision: first },
    { key: `${prefix}b`, value: '1', modRevision: first },
    { key: `${prefix}a`, value: undefined, modRevision: last },
  ]);
  expect(ended).toEqual([]);
});

test('keys are read as they were at a revision, until it is compacted', async () => {
  const first = await write(put('a', '1'));
  await write(put('a', '2'), put('b'));
  const { entries } = await store.getMany([`${prefix}a`, `${prefix}b`], first);
  expect(entries.map((entry) => entry?.value)).toEqual(['1', undefined]);
});
