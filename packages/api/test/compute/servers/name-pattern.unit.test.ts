import { createMatcher } from '@etcd-compute/api/compute/servers/engine/name-pattern';
import { hostnameOf } from '@etcd-compute/api/compute/servers/engine/hostname';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

test.each([
  ['web', 'my-Web-1', true],
  ['^web', 'my-web', false],
  ['web$', 'my-web', true],
  ['web$', 'web-1', false],
  ['^we*b+$', 'weeebb', true],
  ['^we*b+$', 'wb', true],
  ['^we*b+$', 'we', false],
  ['^w.b$', 'wub', true],
  ['colou?r', 'color', true],
  ['^[a-c]+$', 'abcabc', true],
  ['[^a]', 'aaa', false],
  [String.raw`^\d+$`, '2026', true],
  [String.raw`a\.b`, 'axb', false],
  ['', 'anything', true],
])('%s in %s: %s', (pattern, text, expected) => {
  expect(createMatcher(pattern)(text)).toBe(expected);
});

test.each(['(a|b)', 'a{2}', '*a', '[a', 'a|b', 'x'.repeat(256)])('%s is refused', (pattern) => {
  expect(() => createMatcher(pattern)).toThrow(/pattern/);
});

test('it says the same as a regular expression', () => {
  const part = fc
    .tuple(fc.constantFrom('a', 'b', '.', '[ab]'), fc.constantFrom('', '*', '+', '?'))
    .map(([a, b]) => a + b);
  const pattern = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''));
  const whole = fc.tuple(fc.constantFrom('', '^'), pattern, fc.constantFrom('', '$')).map((parts) => parts.join(''));
  fc.assert(
    fc.property(whole, fc.stringMatching(/^[abc]{0,8}$/), (wanted, text) => {
      expect(createMatcher(wanted)(text)).toBe(new RegExp(wanted, 'i').test(text));
    }),
  );
});

test('a pattern that takes others forever is quick', () => {
  expect(createMatcher(`${'a*'.repeat(100)}b`)('a'.repeat(250))).toBe(false);
});

describe('the host name of a guest', () => {
  test.each([
    ['Web Server_1', 'web-server-1'],
    ['a.example.org', 'a-example-org'],
    ['--x--', 'x'],
    ['日本', 'server-id'],
    ['ä'.repeat(80), 'a'.repeat(63)],
  ])('of %s: %s', (name, expected) => expect(hostnameOf(name, 'id')).toBe(expected));
});
