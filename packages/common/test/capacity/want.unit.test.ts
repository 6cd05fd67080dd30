import { parseWant, renderQueryWithLimit } from '@etcd-compute/common/capacity/want';
import { describe, expect, test } from 'vitest';

describe('parseWant', () => {
  test('leaves what was typed as it is, except what cannot stand in a URL', () => {
    expect(parseWant('resources=VCPU:1&required=A%2CB').query).toBe('resources=VCPU:1&required=A%2CB');
    expect(parseWant('resources=VCPU:1&x=a b\r\nc#d').query).toBe('resources=VCPU:1&x=a%20b%0D%0Ac%23d');
  });
});

test('renderQueryWithLimit adds a limit unless one was typed', () => {
  expect(renderQueryWithLimit(parseWant('resources=VCPU:1'), 32)).toBe('resources=VCPU:1&limit=32');
  expect(renderQueryWithLimit(parseWant('limit=3&resources=VCPU:1'), 32)).toBe('limit=3&resources=VCPU:1');
});
