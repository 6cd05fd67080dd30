import { createTokens, parseTokenTtl } from '@etcd-compute/agent/metadata/tokens';
import { instanceUuidSchema } from '@etcd-compute/common/ids';
import { expect, test } from 'vitest';
import { INSTANCE } from '../instances/builders.js';

const OTHER = instanceUuidSchema.parse('7b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d');

test('a token is good for its guest until it ends', () => {
  let now = 1_800_000_000_000;
  const tokens = createTokens(() => now);
  const token = tokens.issue(INSTANCE, 60);
  expect(tokens.isValid(INSTANCE, token)).toBe(true);
  expect(tokens.isValid(OTHER, token)).toBe(false);
  now += 59_999;
  expect(tokens.isValid(INSTANCE, token)).toBe(true);
  now += 1;
  expect(tokens.isValid(INSTANCE, token)).toBe(false);
});

test('a token that was changed, made up, or given by an earlier agent is none', () => {
  const tokens = createTokens(() => 0);
  const token = tokens.issue(INSTANCE, 60);
  const [end = '', ...signature] = token.split('-');
  const later = [`${end}0`, ...signature].join('-');
  for (const wrong of ['', 'x', `${token}x`, later, `${end}-${'A'.repeat(43)}`])
    expect(tokens.isValid(INSTANCE, wrong)).toBe(false);
  expect(createTokens(() => 0).isValid(INSTANCE, token)).toBe(false);
});

test.each([
  ['1', 1],
  ['21600', 21_600],
  ['0', undefined],
  ['21601', undefined],
  ['-1', undefined],
  ['60s', undefined],
  ['1e3', undefined],
  ['', undefined],
  [undefined, undefined],
])('a time to live of %j is %j', (header, seconds) => {
  expect(parseTokenTtl(header)).toBe(seconds);
});
