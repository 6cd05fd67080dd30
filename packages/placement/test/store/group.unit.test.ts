import type { Plan } from '@etcd-compute/placement/engine/draft';
import { createGroup } from '@etcd-compute/placement/store/group';
import { describe, expect, test } from 'vitest';

const aPlan = ({
  reads = [],
  writes = [],
  empty = [],
}: Partial<Record<'reads' | 'writes' | 'empty', string[]>>): Plan => ({
  guards: {
    keys: new Map([...reads, ...writes].map((key) => [key, 1n])),
    empty: new Set(empty),
    unchanged: new Set(),
  },
  writes: new Map(writes.map((key) => [key, 'x'])),
});
const numbered = (length: number): string[] => Array.from({ length }, (_, index) => `u/${index}`);

/** @returns who is with whom, and who must wait. */
const gather = (...plans: Plan[]): { together: number[][]; waiting: number[] } => {
  const group = createGroup<number>();
  const waiting = plans.flatMap((plan, index) => (group.add(plan, index) ? [] : [index]));
  return { together: group.parts.map(({ members }) => [...members]), waiting };
};

describe('plans of one transaction', () => {
  test('stand or fall alone when they have nothing in common but what they read', () => {
    const plans = [aPlan({ reads: ['rc/A'], writes: ['u/1'] }), aPlan({ reads: ['rc/A'], writes: ['u/2'] })];
    expect(gather(...plans)).toEqual({ together: [[0], [1]], waiting: [] });
  });

  test('stand or fall together when one writes what another has read or written', () => {
    const others = [aPlan({ writes: ['u/1'] }), aPlan({ reads: ['u/2'], writes: ['u/3'] }), aPlan({ writes: ['u/4'] })];
    expect(gather(...others, aPlan({ writes: ['u/1', 'u/2'] }))).toEqual({ together: [[2], [0, 1, 3]], waiting: [] });
    expect(gather(...others, aPlan({ reads: ['u/4'], writes: ['u/5'] })).together).toEqual([[0], [1], [2, 3]]);
  });

  test('do not rest on a range in which something is written with them', () => {
    const child = aPlan({ writes: ['k/a/b'] });
    const deletion = aPlan({ writes: ['p/a'], empty: ['k/a/'] });
    expect(gather(child, deletion)).toEqual({ together: [[0]], waiting: [1] });
    expect(gather(deletion, child)).toEqual({ together: [[0, 1]], waiting: [] });
    expect(gather(aPlan({ writes: ['k/ab/c'] }), deletion)).toEqual({ together: [[0], [1]], waiting: [] });
  });
});

describe('a group has room', () => {
  test('for 62 parts', () => {
    const plans = numbered(63).map((key) => aPlan({ writes: [key] }));
    expect(gather(...plans)).toMatchObject({ waiting: [62] });
  });

  test('for 64 keys in a part', () => {
    const plans = numbered(65).map((key) => aPlan({ writes: ['u/hot', key] }));
    expect(gather(...plans)).toEqual({ together: [[...Array(63).keys()]], waiting: [63, 64] });
  });

  test('for a plan of any size, alone', () => {
    const large = aPlan({ writes: numbered(1_000) });
    const small = aPlan({ writes: ['c/1'] });
    expect(gather(large, small)).toEqual({ together: [[0]], waiting: [1] });
    expect(gather(small, large, small)).toEqual({ together: [[0, 2]], waiting: [1] });
  });
});
