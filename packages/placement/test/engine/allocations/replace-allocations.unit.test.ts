import { deleteAllocations } from '@etcd-compute/placement/engine/allocations/delete-allocations';
import { replaceAllocations } from '@etcd-compute/placement/engine/allocations/replace-allocations';
import { reshape } from '@etcd-compute/placement/engine/reshape';
import { Refusal } from '@etcd-compute/placement/engine/refusal';
import { readInventories } from '@etcd-compute/placement/engine/inventories/read-inventory';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aRequest, aWorld, type World } from '../../a-world.js';

describe('an allocation', () => {
  test('rests on its consumer and on what is used of its providers, and on nothing else', () => {
    const world = aWorld();
    world.provider('a', { has: { VCPU: 8 } });
    world.provider('b', { has: { DISK_GB: 8 } });
    world.allocate('consumer', { a: { VCPU: 1 } });
    const { guards } = world.allocate('consumer', { b: { DISK_GB: 1 } });
    expect([...guards.keys.keys()].toSorted()).toEqual(['c/consumer', 'u/a', 'u/b']);
    expect([...guards.empty, ...guards.unchanged]).toEqual([]);
  });

  test('that moves counts up only where it arrives; one that is given back whole counts up where it was', () => {
    const world = aWorld();
    world.provider('a', { has: { VCPU: 8 } });
    world.provider('b', { has: { VCPU: 8 } });
    const generations = (): number[] => ['a', 'b'].map((uuid) => world.view.usage(uuid).generation);
    world.allocate('consumer', { a: { VCPU: 1 } });
    expect(generations()).toEqual([2, 1]);
    world.allocate('consumer', { b: { VCPU: 1 } });
    expect(generations()).toEqual([2, 2]);
    world.allocate('consumer', {});
    expect(generations()).toEqual([2, 3]);
    expect(world.view.consumer('consumer')).toBeUndefined();
  });

  test('may leave a provider that is over its capacity, or stay as it is there, but take no more', () => {
    const world = aWorld();
    world.provider('a', { has: { VCPU: 8 } });
    world.allocate('one', { a: { VCPU: 4 } });
    world.allocate('other', { a: { VCPU: 4 } });
    world.inventories('a', { VCPU: 6 });
    expect(() => world.allocate('one', { a: { VCPU: 5 } })).toThrow('would exceed the capacity');
    world.allocate('one', { a: { VCPU: 4 } });
    world.allocate('one', { a: { VCPU: 3 } });
    expect(() => world.allocate('one', { a: { VCPU: 4 } })).toThrow('would exceed the capacity');
  });

  test('may take what another one of the same request gives back', () => {
    const world = aWorld();
    world.provider('a', { has: { VCPU: 4 } });
    world.allocate('source', { a: { VCPU: 4 } });
    world.write((draft) =>
      replaceAllocations(draft, [aRequest('target', { allocations: { a: { VCPU: 4 } } }), aRequest('source')]),
    );
    expect(world.view.usage('a').used).toEqual({ VCPU: 4 });
    expect([...world.view.consumersOn('a')]).toEqual(['target']);
  });
});

const PROVIDERS = ['a', 'b', 'c'];
const CONSUMERS = ['one', 'two', 'three'];
const CLASSES = ['VCPU', 'MEMORY_MB'];

const amounts = fc.dictionary(fc.constantFrom(...CLASSES), fc.integer({ min: 1, max: 6 }), {
  minKeys: 1,
  noNullPrototype: true,
});
const allocations = fc.dictionary(fc.constantFrom(...PROVIDERS), amounts, { noNullPrototype: true });
const request = fc.record({ uuid: fc.constantFrom(...CONSUMERS), allocations });
const requests = fc.uniqueArray(request, { selector: ({ uuid }) => uuid });
const totals = fc.dictionary(fc.constantFrom(...PROVIDERS), amounts, { minKeys: 1, noNullPrototype: true });

const step = fc.oneof(
  fc.record({ do: fc.constant('replace' as const), requests }),
  fc.record({ do: fc.constant('delete' as const), uuid: fc.constantFrom(...CONSUMERS) }),
  fc.record({ do: fc.constant('reshape' as const), requests, totals }),
  fc.record({ do: fc.constant('inventories' as const), totals }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const carryOut = (world: World, step: Step): void => {
  if (step.do === 'delete') world.write((draft) => deleteAllocations(draft, step.uuid));
  if (step.do === 'inventories')
    for (const [uuid, total] of Object.entries(step.totals)) world.inventories(uuid, total);
  if (step.do === 'replace')
    world.write((draft) =>
      replaceAllocations(
        draft,
        step.requests.map(({ uuid, ...rest }) => aRequest(uuid, rest)),
      ),
    );
  if (step.do === 'reshape') {
    const providers = Object.entries(step.totals).map(([uuid, has]) => ({
      uuid,
      generation: world.view.usage(uuid).generation,
      inventories: readInventories(Object.fromEntries(Object.entries(has).map(([name, total]) => [name, { total }]))),
    }));
    world.write((draft) =>
      reshape(
        draft,
        providers,
        step.requests.map(({ uuid, ...rest }) => aRequest(uuid, rest)),
      ),
    );
  }
};

const sumOver = ({ view }: World, provider: string): Record<string, number> => {
  const sums: Record<string, number> = {};
  for (const { allocations } of view.consumers())
    for (const [name, amount] of Object.entries(allocations[provider] ?? {})) sums[name] = (sums[name] ?? 0) + amount;
  return sums;
};

test('whatever happens, what is used is what consumers hold, of inventories that are there, and holdings are marked', () => {
  let refused = 0;
  let done = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const world = aWorld();
      for (const uuid of PROVIDERS) world.provider(uuid, { has: { VCPU: 10, MEMORY_MB: 10 } });
      for (const step of steps) {
        try {
          carryOut(world, step);
          done += 1;
        } catch (err) {
          if (!(err instanceof Refusal)) throw err;
          refused += 1;
        }
      }
      for (const uuid of PROVIDERS) {
        const { used } = world.view.usage(uuid);
        expect(used).toEqual(sumOver(world, uuid));
        expect(Object.keys(world.view.provider(uuid)?.inventories ?? {})).toEqual(
          expect.arrayContaining(Object.keys(used)),
        );
      }
      const held = [...world.view.consumers()].flatMap(({ uuid, allocations }) =>
        Object.keys(allocations).map((provider) => `a/${provider}/${uuid}`),
      );
      expect([...world.stored.keys()].filter((key) => key.startsWith('a/')).toSorted()).toEqual(held.toSorted());
    }),
  );
  expect(Math.min(refused, done)).toBeGreaterThan(100);
});
