import { deleteProvider } from '@etcd-compute/placement/engine/providers/delete-provider';
import { updateProvider } from '@etcd-compute/placement/engine/providers/update-provider';
import { expect, test } from 'vitest';
import { aWorld } from '../../a-world.js';

test('a provider that moves rests on all that will be above it, so two that move below each other make no circle', () => {
  const world = aWorld();
  world.provider('root');
  world.provider('parent', { parent: 'root' });
  world.provider('child', { parent: 'parent' });
  world.provider('mover');
  const { guards, writes } = world.write((draft) =>
    updateProvider(draft, 'mover', { name: 'mover', parent: 'child', mayMove: true }),
  );
  expect([...guards.keys.keys()]).toEqual(expect.arrayContaining(['p/mover', 'p/child', 'p/parent', 'p/root']));
  expect([...writes.keys()]).toContain('p/mover');
  expect(world.view.rootOf('mover')).toBe('root');
});

test('a provider that is deleted leaves no key behind, and rests on that nobody comes below it', () => {
  const world = aWorld();
  world.provider('root');
  const before = [...world.stored];
  world.provider('child', { parent: 'root', has: { VCPU: 1 } });
  world.allocate('consumer', { child: { VCPU: 1 } });
  world.allocate('consumer', {});
  const { guards } = world.write((draft) => deleteProvider(draft, 'child'));
  expect([...world.stored]).toEqual(before);
  expect([...guards.empty]).toEqual(['k/child/']);
  expect([...guards.keys.keys()]).toContain('u/child');
});

test('a name that was given up can be taken', () => {
  const world = aWorld();
  world.provider('a');
  world.write((draft) => updateProvider(draft, 'a', { name: 'b', parent: undefined, mayMove: false }));
  expect(() => world.provider('b')).toThrow('Conflicting resource provider name: b already exists');
  world.write((draft) => updateProvider(draft, 'a', { name: 'c', parent: undefined, mayMove: false }));
  world.provider('b');
  expect(['a', 'b', 'c'].map((name) => world.view.providerNamed(name)?.uuid)).toEqual([undefined, 'b', 'a']);
});
