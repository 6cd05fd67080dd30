import { PlacementIndex } from '@etcd-compute/placement/index/placement-index';
import { describe, expect, test } from 'vitest';

const provider = (parent: string | null, traits: string[] = []): string =>
  JSON.stringify({ uuid: 'x', name: 'x', parent, inventories: {}, traits, aggregates: [], createdAt: 0, updatedAt: 0 });

describe('changes', () => {
  test('that come late do not bring back what was deleted since, and a new one does', () => {
    const index = new PlacementIndex();
    index.apply({ key: 'p/a', value: provider(null), modRevision: 5n });
    index.apply({ key: 'p/a', value: undefined, modRevision: 7n });
    // As etcd compares a key that is not there.
    expect(index.revisionOf('p/a')).toBe(0n);
    expect(index.apply({ key: 'p/a', value: provider(null), modRevision: 6n })).toBe(false);
    index.forgetDeleted(6n);
    expect(index.apply({ key: 'p/a', value: provider(null), modRevision: 6n })).toBe(false);
    expect(index.apply({ key: 'p/a', value: provider('b'), modRevision: 8n })).toBe(true);
    expect([index.revisionOf('p/a'), [...index.childrenOf('b')]]).toEqual([8n, ['a']]);
  });
});

describe('what is tried out', () => {
  test('is seen with all its relations, and leaves nothing when it is taken back', () => {
    const index = new PlacementIndex();
    index.apply({ key: 'p/a', value: provider(null, ['CUSTOM_A']), modRevision: 5n });
    const undo = [
      index.tryOut('p/a', provider('b', ['CUSTOM_B'])),
      index.tryOut('p/b', provider(null)),
      index.tryOut('p/a', undefined),
      index.tryOut('p/a', provider('b')),
    ];
    expect([index.rootOf('a'), index.withTrait('CUSTOM_A').size, index.revisionOf('p/a')]).toEqual(['b', 0, 5n]);
    for (const takeBack of undo.toReversed()) takeBack();
    expect([index.rootOf('a'), [...index.withTrait('CUSTOM_A')], index.withTrait('CUSTOM_B').size]).toEqual([
      'a',
      ['a'],
      0,
    ]);
    expect([index.provider('b'), index.childrenOf('b').size, index.revisionOf('p/b')]).toEqual([undefined, 0, 0n]);
  });
});
