import { parseDiskGiB, parseMemoryMiB, parseSeconds, parseWhole } from '@etcd-compute/scheduler/amounts';
import { describe, expect, test } from 'vitest';

describe('parseMemoryMiB', () => {
  test.each([
    ['512', 512],
    ['512M', 512],
    ['512MiB', 512],
    ['2G', 2048],
    ['1.5g', 1536],
    ['1024K', 1],
  ])('%s is %d MiB', (text, expected) => {
    expect(parseMemoryMiB('memory', text)).toBe(expected);
  });
  test.each(['0', '0G', '-1', '', 'x', '1.5M', '1K', '1e3', '99999999999G', '2147483648'])('refuses %j', (text) => {
    expect(() => parseMemoryMiB('memory', text)).toThrow('--memory');
  });
});

describe('parseDiskGiB', () => {
  test.each([
    ['10', 10],
    ['10G', 10],
    ['1T', 1024],
    ['1024M', 1],
  ])('%s is %d GiB', (text, expected) => {
    expect(parseDiskGiB('disk', text)).toBe(expected);
  });
  test.each(['0', '512M', '1.5', '-3', ''])('refuses %j', (text) => {
    expect(() => parseDiskGiB('disk', text)).toThrow('--disk');
  });
});

test('parseWhole takes 1 up to its maximum', () => {
  expect(parseWhole('count', '1', 1000)).toBe(1);
  expect(parseWhole('count', '1000', 1000)).toBe(1000);
  for (const text of ['0', '1001', '-1', '1.0', '0x10', '1e2', ''])
    expect(() => parseWhole('count', text, 1000)).toThrow('--count');
});

test('parseSeconds takes fractions, and nothing that would wait for ever', () => {
  expect(parseSeconds('timeout', '0.5')).toBe(0.5);
  for (const text of ['0', '0.0', '-1', '86401', 'soon'])
    expect(() => parseSeconds('timeout', text)).toThrow('--timeout');
});
