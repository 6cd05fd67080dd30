import { randomUUID } from 'node:crypto';
import { openStore } from '@etcd-compute/common/etcd/store';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addProvider, countPlaces, open, outcomeOf, takePlace } from './places.js';

/** What several stores on one etcd make of the same places, when nothing fails. */
let etcd: EtcdServer;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(async () => etcd.stop());

let count = 0;
let prefix = '';
beforeEach(() => {
  count += 1;
  prefix = `/placement${count}/`;
});

test('forty clients of two stores want the last 13 places: 13 get one each, and the others hear why not', async () => {
  await using one = await open(etcd, { prefix });
  await using two = await open(etcd, { prefix });
  await one.write(addProvider('host', 13));
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => outcomeOf((index % 2 === 0 ? one : two).write(takePlace('host')))),
  );
  expect(outcomes.toSorted()).toEqual([
    ...Array.from({ length: 13 }, () => 'done'),
    ...Array.from({ length: 27 }, () => 'host is full'),
  ]);
  for (const store of [one, two])
    expect(await store.read(countPlaces('host'))).toEqual({ used: 13, generation: 13, consumers: 13 });
});

test('each client is told a count of its own, also of those that were written together', async () => {
  await using store = await open(etcd, { prefix });
  await store.write(addProvider('host', 500));
  const counts = await Promise.all(Array.from({ length: 200 }, async () => store.write(takePlace('host'))));
  expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  // Far fewer transactions than writes.
  const head = await store.etcd.get(`${prefix}head`);
  const first = await store.etcd.get(`${prefix}format`);
  expect(Number(head?.modRevision) - Number(first?.modRevision)).toBeLessThan(50);
});

test('a read sees what another store has written before it', async () => {
  await using one = await open(etcd, { prefix });
  await using two = await open(etcd, { prefix });
  await one.write(addProvider('host', 100));
  for (let places = 1; places <= 20; places += 1) {
    await one.write(takePlace('host'));
    expect((await two.read(countPlaces('host'))).used).toBe(places);
    // What was written here is seen without asking.
    expect((await one.read(countPlaces('host'), { mayLag: true })).used).toBe(places);
  }
});

test('what is right is never refused, however little a store has heard', async () => {
  await using one = await open(etcd, { prefix });
  await using two = await open(etcd, { prefix });
  for (let turn = 0; turn < 20; turn += 1) {
    const host = `host${turn}`;
    await one.write(addProvider(host, 1));
    expect(await two.write(takePlace(host))).toBe(1);
  }
});

test('a store that is opened finds what there is', async () => {
  const consumer = randomUUID();
  {
    await using one = await open(etcd, { prefix });
    await one.write(addProvider('host', 3));
    await one.write(takePlace('host', consumer));
    await one.write((draft) => draft.delete('provider', 'host'));
    await one.write(addProvider('host', 4));
  }
  await using two = await open(etcd, { prefix });
  expect(await two.read((view) => view.provider('host')?.inventories['VCPU']?.total)).toBe(4);
  expect(await two.read((view) => view.consumer(consumer)?.uuid)).toBe(consumer);
  // The first has left nothing but what it wrote.
  expect((await two.etcd.listKeys(`${prefix}w/`)).entries).toEqual([]);
});

describe('ranges', () => {
  test('a provider is not deleted while another store gives it a child', async () => {
    await using one = await open(etcd, { prefix });
    await using two = await open(etcd, { prefix });
    let lost = 0;
    for (let turn = 0; turn < 10; turn += 1) {
      const parent = `parent${turn}`;
      await one.write(addProvider(parent, 1));
      const outcomes = await Promise.all([
        outcomeOf(
          one.write((draft) => {
            draft.guardNone('child', `${parent}/`);
            draft.delete('provider', parent);
            draft.delete('usage', parent);
          }),
        ),
        outcomeOf(
          two.write((draft) => {
            if (!draft.get('provider', parent)) throw new Error('no parent');
            draft.put('child', `${parent}/child`, {});
          }),
        ),
      ]);
      lost += outcomes.filter((outcome) => outcome !== 'done').length;
    }
    expect(lost).toBe(10);
  });

  test('two writes that rest on all providers do not both pass', async () => {
    await using one = await open(etcd, { prefix });
    await using two = await open(etcd, { prefix });
    const addOnly = async (store: typeof one, uuid: string): Promise<string> =>
      outcomeOf(
        store.write((draft) => {
          if (draft.view.providerCount() > 0) throw new Error('not the only one');
          draft.guardAll('provider');
          addProvider(uuid, 1)(draft);
        }),
      );
    const outcomes = await Promise.all([addOnly(one, 'a'), addOnly(two, 'b'), addOnly(one, 'c'), addOnly(two, 'd')]);
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1);
    expect(await one.read((view) => view.providerCount())).toBe(1);
  });
});

describe('size', () => {
  const consumers = Array.from({ length: 500 }, () => randomUUID());

  test('a plan of 500 consumers is one transaction', async () => {
    await using one = await open(etcd, { prefix });
    await using two = await open(etcd, { prefix });
    await one.write(addProvider('old', 500));
    await one.write(addProvider('new', 500));
    await Promise.all(consumers.map(async (consumer) => one.write(takePlace('old', consumer))));
    await one.write((draft) => {
      for (const uuid of consumers) {
        const consumer = draft.get('consumer', uuid);
        if (!consumer) throw new Error(`no ${uuid}`);
        draft.put('consumer', uuid, { ...consumer, allocations: { new: { VCPU: 1 } } });
      }
      draft.put('usage', 'old', { generation: 501, used: {} });
      draft.put('usage', 'new', { generation: 501, used: { VCPU: 500 } });
    });
    expect(await two.read(countPlaces('new'))).toEqual({ used: 500, generation: 501, consumers: 500 });
    expect(await two.read(countPlaces('old'))).toEqual({ used: 0, generation: 501, consumers: 0 });
    const { entries } = await one.etcd.listKeys(`${prefix}c/`);
    expect(new Set(entries.map(({ modRevision }) => modRevision)).size).toBe(1);
  });

  test('what is more than a transaction takes is refused, and nothing beside it', async () => {
    await using store = await open(etcd, { prefix });
    await store.write(addProvider('host', 10));
    const tooMuch = store.write((draft) => {
      for (const uuid of consumers) takePlace('other', uuid)(draft);
    });
    const withNew = store.write((draft) => {
      for (const uuid of consumers) draft.put('class', `CUSTOM_${uuid}`, { createdAt: 0, updatedAt: 0 });
    });
    const outcomes = await Promise.all([tooMuch, withNew, store.write(takePlace('host'))].map(outcomeOf));
    expect(outcomes).toEqual([
      'there is no other',
      'This changes more at once than the store can write in one transaction. Please change less at a time.',
      'done',
    ]);
  });
});

test('a format that is not known is not touched', async () => {
  await using store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port }));
  await store.txn([{ key: `${prefix}format`, modRevision: '0' }], [{ op: 'put', key: `${prefix}format`, value: '2' }]);
  await expect(open(etcd, { prefix })).rejects.toMatchObject({ code: 'ECOMPUTE_PLACEMENT_TOO_OLD' });
});
