import { normalizeNetwork, withoutContained } from '@etcd-compute/common/cidr';
import { describe, expect, test } from 'vitest';

describe('normalizeNetwork', () => {
  test.each([
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.3/32', '10.1.2.3'],
    ['10.1.2.3/16', '10.1.0.0/16'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['FD00:45:0:0::1', 'fd00:45::1'],
    ['fd00:45::1/64', 'fd00:45::/64'],
    ['::/0', '::/0'],
  ])('%s is %s', (text, network) => {
    expect(normalizeNetwork(text)).toBe(network);
  });
});

describe('withoutContained', () => {
  test('nft refuses a set in which networks overlap, so each address is in one network', () => {
    const networks = ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '192.168.0.0/24', '192.168.1.0/24', '192.168.0.0/24'];
    expect(withoutContained(networks)).toEqual(['10.0.0.0/8', '192.168.0.0/24', '192.168.1.0/24']);
    expect(withoutContained(['::/0', 'fd00::1', '10.0.0.1'])).toEqual(['10.0.0.1', '::/0']);
    expect(withoutContained([])).toEqual([]);
  });
});
