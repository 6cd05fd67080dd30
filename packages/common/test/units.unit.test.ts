import {
  bytesToGiB,
  bytesToMiB,
  formatBytes,
  GIB,
  gibToBytes,
  KIB,
  kibToMiB,
  MIB,
  parseBytes,
} from '@etcd-compute/common/units';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('parseBytes', () => {
  test.each([
    ['512', 'M', 512 * MIB],
    ['2', 'G', 2 * GIB],
    ['512M', 'G', 512 * MIB],
    ['2G', 'M', 2 * GIB],
    ['2GiB', 'M', 2 * GIB],
    ['2gb', 'M', 2 * GIB],
    ['1.5g', 'M', 1.5 * GIB],
    ['1T', 'M', 1024 * GIB],
    ['64k', 'M', 64 * KIB],
    [' 1 G ', 'M', GIB],
  ] as const)('reads %j (bare numbers are %s) as %i bytes', (text, bareUnit, bytes) => {
    expect(parseBytes(text, bareUnit)).toBe(bytes);
  });

  test.each(['', '0', '0G', '-1', '1e3', '1,5G', 'G', '1P', '1 G B', '0x10', '1..5', 'NaN', '99999999999T', '1G\n2'])(
    'refuses %j',
    (text) => {
      expect(parseBytes(text, 'M')).toBeUndefined();
    },
  );

  test('is the inverse of writing whole MiB and GiB', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8_000_000 }), (count) => {
        expect(parseBytes(`${count}M`, 'G')).toBe(count * MIB);
        expect(parseBytes(String(count), 'G')).toBe(gibToBytes(count));
      }),
    );
  });
});

describe('conversions', () => {
  test('round down, and undo their multiplications', () => {
    fc.assert(
      fc.property(fc.nat(4_000_000), fc.nat(KIB - 1), (count, rest) => {
        expect(bytesToMiB(count * MIB + rest)).toBe(count);
        expect(bytesToGiB(gibToBytes(count) + rest)).toBe(count);
        expect(kibToMiB(count * KIB + rest)).toBe(count);
      }),
    );
  });

  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [KIB, '1 KiB'],
    [1.5 * GIB, '1.5 GiB'],
    [5000 * 1024 * GIB, '5000 TiB'],
  ])('%d bytes are shown as %j', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
