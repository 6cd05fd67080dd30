import { imageChecksumSchema, parseImageChecksum } from '@etcd-compute/common/image-checksum';
import { expect, test } from 'vitest';

const HEX64 = '0123456789abcdef'.repeat(4);

test.each([
  [`sha256:${HEX64}`, `sha256:${HEX64}`, { kind: 'digest', algorithm: 'sha256', digits: HEX64 }],
  [`SHA256:${HEX64.toUpperCase()}`, `sha256:${HEX64}`, { kind: 'digest', algorithm: 'sha256', digits: HEX64 }],
  [
    `sha512:${HEX64}${HEX64}`,
    `sha512:${HEX64}${HEX64}`,
    { kind: 'digest', algorithm: 'sha512', digits: HEX64 + HEX64 },
  ],
  ['https://h/d/SHA256SUMS', 'https://h/d/SHA256SUMS', { kind: 'list', url: 'https://h/d/SHA256SUMS' }],
  ['http://H:80/x.sha256', 'http://h/x.sha256', { kind: 'list', url: 'http://h/x.sha256' }],
])('%s is taken', (...[text, stored, parsed]) => {
  expect(imageChecksumSchema.parse(text)).toBe(stored);
  expect(parseImageChecksum(stored)).toEqual(parsed);
});

test.each([
  '',
  HEX64,
  'sha256:abc',
  `sha512:${HEX64}`,
  `sha256:${HEX64}${HEX64}`,
  `md5:${HEX64.slice(32)}`,
  'file:///etc/SHA256SUMS',
  '/etc/SHA256SUMS',
  'https://me:secret@h/SHA256SUMS',
  `https://h/${'x'.repeat(2048)}`,
])('%j is refused', (text) => {
  expect(() => imageChecksumSchema.parse(text)).toThrow('expected sha256: and 64 hexadecimal digits');
});
