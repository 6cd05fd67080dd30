import { parseUuid } from '@etcd-compute/placement/model/uuid';
import { expect, test } from 'vitest';

test.each([
  '2290d4af-9e6e-400b-9d65-1ee01376f71a',
  '2290d4af9e6e400b9d651ee01376f71a',
  '{2290D4AF-9E6E-400B-9D65-1EE01376F71A}',
  'urn:uuid:2290d4af-9e6e-400b-9d65-1ee01376f71a',
])('%s is a uuid', (text) => {
  expect(parseUuid(text)).toBe('2290d4af-9e6e-400b-9d65-1ee01376f71a');
});

test.each([
  '',
  'random',
  '2290d4af-9e6e-400b-9d65-1ee01376f71',
  '2290d4af-9e6e-400b-9d65-1ee01376f71g',
  'a'.repeat(33),
])('%s is none', (text) => {
  expect(parseUuid(text)).toBeUndefined();
});
