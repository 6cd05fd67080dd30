import { compareContents } from '@etcd-compute/placement/transfer/compare';
import { contentOf, type Content } from '@etcd-compute/placement/transfer/content';
import { expect, test } from 'vitest';
import { aWorld, type World } from '../a-world.js';

const content = (change: (world: World) => void = () => undefined): Content => {
  const world = aWorld();
  world.provider('host', { has: { VCPU: 8 } });
  world.allocate('guest', { host: { VCPU: 1 } });
  change(world);
  return contentOf(world.view);
};
const names = ['here', 'there'] as const;

test('a line names each thing that differs, and how', () => {
  const other = content((world) => {
    world.allocate('guest', { host: { VCPU: 2 } });
    world.inventories('host', { VCPU: 4 });
    world.provider('new');
  });
  expect(compareContents(content(), other, { hasGenerations: false, names })).toEqual([
    'resource provider new is only there',
    expect.stringMatching(/^resource provider host: inventory of VCPU is {"total":8,.* here and {"total":4,.* there$/),
    'consumer guest: allocations is {"host":{"VCPU":1}} here and {"host":{"VCPU":2}} there',
  ]);
});

test('generations are compared only where they were kept', () => {
  const other = content((world) => world.inventories('host', { VCPU: 8 }));
  expect(compareContents(content(), other, { hasGenerations: false, names })).toEqual([]);
  expect(compareContents(content(), other, { hasGenerations: true, names })).toEqual([
    'resource provider host: generation is 2 here and 3 there',
  ]);
});

test('a ratio is the same when a database could not tell the two apart', () => {
  const ratio = (allocation_ratio: number): Content => {
    const made = content();
    const providers = new Map(
      [...made.providers].map(([uuid, provider]) => [
        uuid,
        {
          ...provider,
          inventories: Object.fromEntries(
            Object.entries(provider.inventories).map(([name, one]) => [name, { ...one, allocation_ratio }]),
          ),
        },
      ]),
    );
    return { ...made, providers };
  };
  expect(compareContents(ratio(1.1), ratio(1.100000023841858), { hasGenerations: true, names })).toEqual([]);
  expect(compareContents(ratio(1.1), ratio(1.1001), { hasGenerations: true, names })).toHaveLength(1);
});
