import { parseEscapeKey, untilEscape } from '@etcd-compute/scheduler/access/escape-key';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

test.each([
  ['^]', 0x1d],
  ['^A', 1],
  ['^a', 1],
  ['^@', 0],
  ['^_', 0x1f],
  ['^[', 0x1b],
  ['^^', 0x1e],
  ['^\\', 0x1c],
])('%s is the byte %i', (key, byte) => {
  expect(parseEscapeKey(key)).toBe(byte);
});

test.each(['', ']', '^', '^1', '^AB', 'A^', '^?', '^ä'])('%j is no key', (key) => {
  expect(parseEscapeKey(key)).toBeUndefined();
});

test('what is typed before the escape key is passed on, and nothing after it', async () => {
  let escapes = 0;
  const stream = untilEscape(0x1d, () => (escapes += 1));
  const passed = text(stream);
  stream.write('one');
  stream.write('two\u001dthree\u001d');
  stream.write('four\u001d');
  expect(await passed).toBe('onetwo');
  expect(escapes).toBe(1);
});

test('without it everything is passed on', async () => {
  const stream = untilEscape(0x1d, () => undefined);
  const passed = text(stream);
  stream.end('all \u0003 of it');
  expect(await passed).toBe('all \u0003 of it');
});
