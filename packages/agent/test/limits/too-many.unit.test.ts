import { areTooMany } from '@etcd-compute/agent/limits/too-many';
import { expect, test } from 'vitest';

test.each([
  [{ of: 0, gone: 0 }, false],
  [{ of: 1, gone: 1 }, false],
  [{ of: 2, gone: 1 }, false],
  [{ of: 2, gone: 2 }, true],
  [{ of: 4, gone: 2 }, false],
  [{ of: 4, gone: 3 }, true],
  [{ of: 1000, gone: 500 }, false],
  [{ of: 1000, gone: 501 }, true],
])('%o are too many to be gone at once: %s', (count, expected) => {
  expect(areTooMany(count)).toBe(expected);
});
