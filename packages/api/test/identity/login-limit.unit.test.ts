import { createLoginLimit } from '@etcd-compute/api/identity/passwords/login-limit';
import { expect, test } from 'vitest';

const begin = (limit: ReturnType<typeof createLoginLimit>, name: string, address = '10.0.0.1'): string => {
  try {
    limit.begin({ name, address });
    return 'may';
  } catch {
    return 'waits';
  }
};

test('failures are free up to the limit, and then as many in a minute', () => {
  let now = 0;
  const limit = createLoginLimit({ perName: 3, perAddress: 100, now: () => now });
  expect([1, 2, 3, 4].map(() => begin(limit, 'a'))).toEqual(['may', 'may', 'may', 'waits']);
  now += 19_000;
  expect(begin(limit, 'a')).toBe('waits');
  now += 2_000;
  expect([begin(limit, 'a'), begin(limit, 'a')]).toEqual(['may', 'waits']);
});

test('one name is limited for each address, and one address for all names', () => {
  const limit = createLoginLimit({ perName: 1, perAddress: 3, now: () => 0 });
  expect(begin(limit, 'a')).toBe('may');
  expect(begin(limit, 'a', '10.0.0.2')).toBe('may');
  expect(['b', 'c', 'd'].map((name) => begin(limit, name))).toEqual(['may', 'may', 'waits']);
});

test('who logs in has not failed', () => {
  const limit = createLoginLimit({ perName: 2, perAddress: 2, now: () => 0 });
  for (let index = 0; index < 10; index += 1) limit.begin({ name: 'a', address: '10.0.0.1' })();
  expect(begin(limit, 'a')).toBe('may');
});
