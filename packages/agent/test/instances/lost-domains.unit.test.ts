import { areTooManyLost } from '@etcd-compute/agent/instances/lost-domains';
import { expect, test } from 'vitest';

test.each([
  [{ built: 0, lost: 0 }, false],
  [{ built: 1, lost: 1 }, false],
  [{ built: 2, lost: 1 }, false],
  [{ built: 2, lost: 2 }, true],
  [{ built: 4, lost: 2 }, false],
  [{ built: 4, lost: 3 }, true],
  [{ built: 1000, lost: 500 }, false],
  [{ built: 1000, lost: 501 }, true],
])('of %o too many are lost at once: %s', (census, expected) => {
  expect(areTooManyLost(census)).toBe(expected);
});
