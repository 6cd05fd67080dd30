import { createBlobFolder } from '@etcd-compute/api/image/blobs/blob-folder';
import { createStoreRounds } from '@etcd-compute/api/image/engine/store-rounds';
import { expect, test } from 'vitest';

const folder = createBlobFolder('/nowhere', 'us', { max_size: 1, keep_free: 0 });
const shared = { ...folder, id: 's3' as const };

test('the store of all servers is looked after at first, when one has gone, and every hour; the folder each time', () => {
  let now = 0;
  const storesOf = createStoreRounds({ folder, shared }, () => now);
  const isShared = (...servers: readonly string[]): boolean => storesOf(new Set(servers)).includes(shared);
  const rounds = [
    isShared('us', 'them'),
    isShared('us', 'them'),
    isShared('us'),
    isShared('us'),
    isShared('us', 'others'),
  ];
  expect(rounds).toEqual([true, false, true, false, false]);
  now += 3_599_000;
  expect(isShared('us', 'others')).toBe(false);
  now += 1000;
  expect(isShared('us', 'others')).toBe(true);
});

test('where there is none, it is the folder alone', () => {
  expect(createStoreRounds({ folder, shared: undefined }, () => 0)(new Set())).toEqual([folder]);
});
