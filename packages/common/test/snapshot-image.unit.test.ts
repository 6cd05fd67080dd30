import { formatSnapshotImage, isSnapshotImage, parseSnapshotImage } from '@etcd-compute/common/snapshot-image';
import { describe, expect, test } from 'vitest';

const sha256 = 'ab'.repeat(32);

describe('the image of a snapshot', () => {
  test.each([
    ['snapshot:golden', { name: 'golden', sha256: undefined }],
    [`snapshot:golden@sha256:${sha256}`, { name: 'golden', sha256 }],
  ])('%s', (text, image) => {
    expect(isSnapshotImage(text)).toBe(true);
    expect(parseSnapshotImage(text)).toEqual(image);
    expect(formatSnapshotImage({ name: image.name, ...(image.sha256 !== undefined && { sha256: image.sha256 }) })).toBe(
      text,
    );
    // As caches and downloads name it.
    expect(new URL(text).href).toBe(text);
  });

  test.each([
    'snapshot:',
    'snapshot:Golden',
    'snapshot:a/b',
    'snapshot:../a',
    'snapshot:a@',
    'snapshot:a@sha256:ab',
    `snapshot:a@sha512:${sha256}`,
    `snapshot:a@sha256:${sha256.toUpperCase()}`,
    'http://images.example/a',
  ])('%s is none', (text) => {
    expect(parseSnapshotImage(text)).toBeUndefined();
  });
});
