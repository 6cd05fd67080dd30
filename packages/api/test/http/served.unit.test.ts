import { hideToken } from '@etcd-compute/api/http/served';
import { expect, test } from 'vitest';

test.each([
  ['/compute/serial-console?token=abc', '/compute/serial-console?token=hidden'],
  ['/x?a=1&token=abc&token=def&b=2', '/x?a=1&token=hidden&b=2'],
  ['/x?%74oken=abc', '/x?token=hidden'],
  ['/x?tokens=abc', '/x?tokens=abc'],
  ['/x?a=b%20c', '/x?a=b%20c'],
  ['/token=abc', '/token=abc'],
])('%s is logged as %s', (url, logged) => {
  expect(hideToken(url)).toBe(logged);
});
