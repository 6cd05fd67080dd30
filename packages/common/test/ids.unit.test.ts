import {
  instanceNameSchema,
  instanceUuidSchema,
  isUuid,
  newInstanceUuid,
  newProviderUuid,
  newSessionUuid,
} from '@etcd-compute/common/ids';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('uuids', () => {
  test('any version and letter case is taken, and kept in lower case', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(instanceUuidSchema.parse(uuid.toUpperCase())).toBe(uuid);
      }),
    );
    // Not a version that RFC 9562 knows, and taken by Placement and libvirt.
    expect(isUuid('c1a6523e-c50a-f2c2-0952-f2d3a8479e99')).toBe(true);
  });

  test.each(['', 'web1', 'c1a6523ec50a42c28952f2d3a8479e99', '{c1a6523e-c50a-42c2-8952-f2d3a8479e99}', ' c1a6523e'])(
    '%j is none',
    (text) => {
      expect(isUuid(text)).toBe(false);
    },
  );

  test('new ones are uuids, and never the same', () => {
    const made = [newInstanceUuid(), newProviderUuid(), newSessionUuid(), newInstanceUuid()];
    expect(made.every(isUuid)).toBe(true);
    expect(new Set(made).size).toBe(4);
  });
});

describe('instance names', () => {
  test.each(['a', 'web1', '1', 'a-b', 'x'.repeat(63)])('%j is a host name label', (name) => {
    expect(instanceNameSchema.parse(name)).toBe(name);
  });

  test.each(['', '-a', 'a-', 'Web', 'a_b', 'a.b', 'a b', 'ü', 'a\n', 'x'.repeat(64), '../x'])('%j is not', (name) => {
    expect(instanceNameSchema.safeParse(name).error?.issues[0]?.message).toContain('such as web1');
  });
});
