import { createRateLimit } from '@etcd-compute/agent/limits/rate-limit';
import { expect, test } from 'vitest';

test('each has a burst, and then so many a second', () => {
  let now = 0;
  const limit = createRateLimit({ burst: 2, perSecond: 0.5, now: () => now });
  const take = (): boolean[] => [limit.take('a'), limit.take('a'), limit.take('a')];
  expect(limit.msUntilNext('a')).toBe(0);
  expect(take()).toEqual([true, true, false]);
  expect(limit.msUntilNext('a')).toBe(2000);
  expect(limit.take('b')).toBe(true);
  now += 1999;
  expect(limit.take('a')).toBe(false);
  now += 1;
  expect(take()).toEqual([true, false, false]);
  // What is not used is kept, but for the burst.
  now += 3_600_000;
  expect(take()).toEqual([true, true, false]);
});
