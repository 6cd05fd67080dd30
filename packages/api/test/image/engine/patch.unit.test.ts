import { planImage } from '@etcd-compute/api/image/engine/create';
import { applyChanges, NEW_PATCH, OLD_PATCH, readChanges } from '@etcd-compute/api/image/engine/patch';
import { expect, test } from 'vitest';

const image = planImage({ body: { name: 'web', distro: 'debian' }, owner: 'ours', now: 0 });

test('both forms of patches are read', () => {
  const old = readChanges([{ replace: '/name', value: 'db' }, { remove: '/distro' }], OLD_PATCH);
  const current = readChanges(
    [
      { op: 'replace', path: '/name', value: 'db' },
      { op: 'remove', path: '/distro' },
    ],
    `${NEW_PATCH}; charset=utf-8`,
  );
  for (const changes of [old, current])
    expect(applyChanges(image, changes)).toMatchObject({ name: 'db', properties: {} });
});

test.each([
  [[{ op: 'copy', path: '/a', value: '1' }], 400],
  [[{ op: 'add', path: 'a', value: '1' }], 400],
  [[{ op: 'add', path: '/a/b', value: '1' }], 400],
  [[{ op: 'add', path: '/a~2', value: '1' }], 400],
  [[{ op: 'add', path: '/a' }], 400],
  [[{ op: 'add', path: '/id', value: 'x' }], 403],
  [[{ op: 'add', path: '/os_glance_a', value: 'x' }], 403],
  [{ op: 'add' }, 400],
])('%j is refused: %d', (body, status) => {
  expect(() => readChanges(body, NEW_PATCH)).toThrow(expect.objectContaining({ status }));
});

test.each([
  [{ op: 'replace', path: '/none', value: 'x' }, 409],
  [{ op: 'remove', path: '/name' }, 403],
  [{ op: 'replace', path: '/min_disk', value: '1' }, 400],
  [{ op: 'replace', path: '/visibility', value: 'secret' }, 400],
  [{ op: 'add', path: '/a', value: 1 }, 400],
])('%j cannot be done: %d', (change, status) => {
  expect(() => applyChanges(image, readChanges([change], NEW_PATCH))).toThrow(expect.objectContaining({ status }));
});

test('another content type is refused, and told what is taken', () => {
  expect(() => readChanges([], 'application/json')).toThrow(
    expect.objectContaining({ status: 415, headers: { 'accept-patch': `${OLD_PATCH}, ${NEW_PATCH}` } }),
  );
});

test('the formats of an image stay when it has a content', () => {
  const active = { ...image, status: 'active' as const };
  const changes = readChanges([{ op: 'replace', path: '/disk_format', value: 'raw' }], NEW_PATCH);
  expect(() => applyChanges(active, changes)).toThrow(expect.objectContaining({ status: 403 }));
  expect(applyChanges(image, changes)).toMatchObject({ disk_format: 'raw' });
});

test('properties are bounded in number and length', () => {
  const many = Array.from({ length: 129 }, (_, index) => ({ op: 'add', path: `/p${index}`, value: 'x' }));
  const long = Array.from({ length: 5 }, (_, index) => ({ op: 'add', path: `/p${index}`, value: 'x'.repeat(60_000) }));
  for (const changes of [many, long])
    expect(() => applyChanges(image, readChanges(changes, NEW_PATCH))).toThrow(
      expect.objectContaining({ status: 413 }),
    );
  expect(() => applyChanges(image, readChanges(long.slice(0, 4), NEW_PATCH))).not.toThrow();
});
