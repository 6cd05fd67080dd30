import { listReservations, planNetwork } from '@etcd-compute/agent/networks/address-plan';
import { blocksOf, isSameIpv6, isUniqueLocal, linkLocalOf, planIpv6 } from '@etcd-compute/agent/networks/ipv6-plan';
import { describe, expect, test } from 'vitest';

describe('planIpv6', () => {
  test('the host has the first address, and none of it is a guest’s', () => {
    expect(planIpv6('fd00:45::/64')).toEqual({
      gateway: 'fd00:45::1',
      prefix: 64,
      spare: 'fd00:45::2',
    });
    expect(planIpv6('2001:DB8:1:2:3::/64').gateway).toBe('2001:db8:1:2::1');
  });

  test('only addresses of one’s own are translated', () => {
    expect(['fd00:45::1', 'fc00::1', '2001:db8::1', '2a00::1'].map(isUniqueLocal)).toEqual([true, true, false, false]);
  });

  test('one address may be written in several ways', () => {
    expect(isSameIpv6('fd00:45::1', 'FD00:45:0:0:0:0:0:1')).toBe(true);
    expect(isSameIpv6('fd00:45::1', 'fd00:46::1')).toBe(false);
    expect(isSameIpv6('fd00:45::1', '')).toBe(false);
  });
});

describe('blocksOf', () => {
  test('each IPv4 address has a block of 16 of its own, after the host’s', () => {
    const plan = planNetwork('10.45.0.0/18');
    const blocks = listReservations(plan)
      .map(({ address }) => address)
      .map(blocksOf('fd00:45::/64', plan));
    expect(blocks.slice(0, 3)).toEqual(['fd00:45::10:0', 'fd00:45::10:10', 'fd00:45::10:20']);
    expect(blocks.at(-1)).toBe('fd00:45::13:ffc0');
    expect(new Set(blocks).size).toBe(plan.size);
  });
});

describe('linkLocalOf', () => {
  test('is the one of RFC 4291, appendix A', () => {
    expect(linkLocalOf('34:56:78:9a:bc:de')).toBe('fe80::3656:78ff:fe9a:bcde');
    expect(linkLocalOf('52:54:00:2d:00:02')).toBe('fe80::5054:ff:fe2d:2');
  });
});
