import { select, type Item } from '@etcd-compute/api/network/engine/select';
import { describe, expect, test } from 'vitest';

const ITEMS: readonly Item[] = [
  { id: 'a', name: 'web', shared: true, size: 2, subnets: ['s1'] },
  { id: 'b', name: 'db', shared: false, size: 1, subnets: [] },
  { id: 'c', name: 'web', shared: false, size: 3, subnets: ['s1', 's2'] },
];
const ATTRIBUTES = ['id', 'name', 'shared', 'size', 'subnets'];

const ask = (query: string) => {
  const { items, next, previous } = select(ITEMS, new URLSearchParams(query), { attributes: ATTRIBUTES });
  return { ids: items.map(({ id }) => id), next: next?.toString(), previous: previous?.toString() };
};

describe('select', () => {
  test.each([
    ['', ['a', 'b', 'c']],
    ['name=web', ['a', 'c']],
    ['name=web&shared=False', ['c']],
    ['id=a&id=b', ['a', 'b']],
    ['subnets=s2', ['c']],
    ['tags=x', []],
    ['not-tags=x', ['a', 'b', 'c']],
    ['sort_key=size', ['b', 'a', 'c']],
    ['sort_key=name&sort_dir=desc&sort_key=id&sort_dir=desc', ['c', 'a', 'b']],
  ])('%s', (query, ids) => {
    expect(ask(query).ids).toEqual(ids);
  });

  test('pages lead there and back', () => {
    expect(ask('limit=2')).toEqual({ ids: ['a', 'b'], next: 'limit=2&marker=b', previous: undefined });
    expect(ask('limit=2&marker=b')).toEqual({
      ids: ['c'],
      next: undefined,
      previous: 'limit=2&marker=c&page_reverse=True',
    });
    expect(ask('limit=1&marker=c&page_reverse=True').ids).toEqual(['b']);
    expect(ask('limit=2&page_reverse=True').ids).toEqual(['b', 'c']);
  });

  test('only the fields that are asked for', () => {
    const { items } = select(ITEMS, new URLSearchParams('fields=name&fields=size&id=a'), { attributes: ATTRIBUTES });
    expect(items).toEqual([{ name: 'web', size: 2 }]);
  });

  test.each([
    ['colour=red', /colour/],
    ['sort_key=colour', /sort_key/],
    ['sort_key=id&sort_dir=up', /up is invalid/],
    ['limit=some', /limit/],
    ['marker=z', /marker z/],
  ])('%s is refused', (query, reason) => {
    expect(() => ask(query)).toThrow(reason);
  });
});
