import { parseResourceQuery, withLimit } from '@etcd-compute/cloud/selection/resource-query';
import { describe, expect, test } from 'vitest';

describe('parseResourceQuery', () => {
  test('leaves what was typed as it is, except what cannot stand in a URL', () => {
    expect(parseResourceQuery('resources=VCPU:1&required=A%2CB').text).toBe('resources=VCPU:1&required=A%2CB');
    expect(parseResourceQuery('resources=VCPU:1&x=a b\r\nc#d').text).toBe('resources=VCPU:1&x=a%20b%0D%0Ac%23d');
  });
});

test('withLimit adds a limit unless one was typed', () => {
  expect(withLimit(parseResourceQuery('resources=VCPU:1'), 32)).toBe('resources=VCPU:1&limit=32');
  expect(withLimit(parseResourceQuery('limit=3&resources=VCPU:1'), 32)).toBe('limit=3&resources=VCPU:1');
});
