import { chooseSubnet, parseRoutes } from '@etcd-compute/demo/subnet';
import { describe, expect, it } from 'vitest';

/** As the kernel writes it, on a machine with a default route, a /24, a /20 and a route to one host. */
const ROUTES = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
virbr1\t00002E0A\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0
tun0\t07102E0A\t00000000\t0001\t0\t0\t0\tFFFFFFFF\t0\t0\t0
`;

describe('the addresses of the demo', () => {
  it('are read from the routes of the machine, without the default route', () => {
    expect(parseRoutes(ROUTES)).toEqual([
      { address: '192.0.2.0', prefix: 24 },
      { address: '10.46.0.0', prefix: 20 },
      { address: '10.46.16.7', prefix: 32 },
    ]);
  });

  it('are the first that overlap no route, in either direction', () => {
    expect(chooseSubnet([])).toBe('10.46.0.0/24');
    expect(chooseSubnet(parseRoutes(ROUTES))).toBe('10.46.17.0/24');
    expect(chooseSubnet([{ address: '10.0.0.0', prefix: 8 }])).toBe('172.30.0.0/24');
    expect(chooseSubnet([{ address: '10.46.0.200', prefix: 30 }])).toBe('10.46.1.0/24');
  });

  it('are none when everything is taken', () => {
    const taken = ['10.0.0.0', '172.16.0.0', '192.168.0.0'].map((address) => ({ address, prefix: 8 }));
    expect(chooseSubnet(taken)).toBeUndefined();
  });
});
