import { createReadTogether } from '@etcd-compute/agent/instances/read-together';
import type { Entry, Store } from '@etcd-compute/common/etcd/store';
import { expect, test } from 'vitest';

const entryOf = (key: string): Entry => ({ key, value: key, modRevision: '1', createRevision: '1', lease: '0' });

/** Holds keys that start with `/there`; notes what each read asks for. */
const aStore = (): { store: Pick<Store, 'getMany'>; reads: (readonly string[])[] } => {
  const reads: (readonly string[])[] = [];
  const getMany: Store['getMany'] = async (keys) => {
    reads.push(keys);
    if (keys.includes('/bad')) throw new Error('etcd is away');
    return { entries: keys.map((key) => (key.startsWith('/there') ? entryOf(key) : undefined)), revision: '7' };
  };
  return { store: { getMany }, reads };
};

test('what is asked for in one turn is one read; everyone gets their own keys, in their order', async () => {
  const { store, reads } = aStore();
  const read = createReadTogether(store);
  const [first, second] = await Promise.all([read(['/there/b', '/none']), read(['/there/a', '/there/b'])]);
  expect(first.map((entry) => entry?.key)).toEqual(['/there/b', undefined]);
  expect(second.map((entry) => entry?.key)).toEqual(['/there/a', '/there/b']);
  expect(reads).toEqual([['/there/b', '/none', '/there/a']]);
});

test('who asks while a read is under way gets a later one: it sees what was written meanwhile', async () => {
  const { store, reads } = aStore();
  let during: Promise<unknown> | undefined;
  const read = createReadTogether({
    getMany: async (keys) => {
      during ??= read(['/there/a']);
      return store.getMany(keys);
    },
  });
  await read(['/there/a']);
  await during;
  expect(reads).toEqual([['/there/a'], ['/there/a']]);
});

test('a read that fails fails for all who share it, and for nobody else', async () => {
  const { store } = aStore();
  const read = createReadTogether(store);
  const both = await Promise.allSettled([read(['/there/a']), read(['/bad'])]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await read(['/there/a'])).toEqual([entryOf('/there/a')]);
});
