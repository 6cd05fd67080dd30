import { networkSection } from '@etcd-compute/agent/config/network';
import { givenSubnetsOf } from '@etcd-compute/agent/networks/given-subnets';
import { expect, test } from 'vitest';

test('what guests are given: of managed networks only', () => {
  const network = networkSection.parse({ cidr: '10.45.0.9/29', cidr6: 'FD00:45::/64' });
  const networks = [networkSection.parse({ name: 'default', manage: false })];
  expect(givenSubnetsOf({ network, networks })).toEqual([
    { network: 'ecompute', cidr: '10.45.0.8/29', gateway: '10.45.0.9', first: '10.45.0.10', last: '10.45.0.14' },
    {
      network: 'ecompute',
      cidr: 'fd00:45::/64',
      gateway: 'fd00:45::1',
      // A block of 16 for each address.
      first: 'fd00:45::10:0',
      last: 'fd00:45::10:4f',
    },
  ]);
});
