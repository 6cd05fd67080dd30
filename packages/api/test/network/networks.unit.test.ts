import { instanceOfPort, networkIdOf, portIdOf } from '@etcd-compute/api/network/engine/ids';
import { networkNames } from '@etcd-compute/api/network/engine/network-names';
import { subnetOf, viewOfNetworks, type HostNetworks } from '@etcd-compute/api/network/engine/networks';
import { addressesOf, portsOf } from '@etcd-compute/api/network/engine/ports';
import { isUuid } from '@etcd-compute/common/ids';
import { describe, expect, test } from 'vitest';

const INSTANCE = '6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d';

const host = (third: number, networks = ['ecompute']): HostNetworks => ({
  networks,
  subnets: [
    {
      network: 'ecompute',
      cidr: `10.${third}.0.0/24`,
      gateway: `10.${third}.0.1`,
      first: `10.${third}.0.2`,
      last: `10.${third}.0.254`,
    },
  ],
});
const IPV6 = {
  network: 'ecompute',
  cidr: 'fd00:45::/64',
  gateway: 'fd00:45::1',
  first: 'fd00:45::10:0',
  last: 'fd00:45::10:ff',
};

describe('ids', () => {
  test('are the same everywhere and always', () => {
    expect(networkIdOf('ecompute')).toBe('2605c28a-6c40-503a-864c-a999cc2bc474');
  });

  test('a port tells its instance to who knows the network', () => {
    const port = portIdOf(INSTANCE, 'ecompute');
    expect(isUuid(port)).toBe(true);
    expect(port).not.toBe(INSTANCE);
    expect(portIdOf(INSTANCE, 'storage')).not.toBe(port);
    expect(instanceOfPort(port, 'ecompute')).toBe(INSTANCE);
  });
});

describe('viewOfNetworks', () => {
  test('hosts with a network of the same name make one network, and those with the same addresses one subnet', () => {
    const view = viewOfNetworks([host(45), host(45, ['ecompute', 'bridge:br0']), host(46)]);
    expect(view.list.map(({ name, hosts }) => ({ name, hosts }))).toEqual([
      { name: 'bridge:br0', hosts: 1 },
      { name: 'ecompute', hosts: 3 },
    ]);
    expect(view.named('ecompute')?.subnets.map(({ cidr, hosts }) => ({ cidr, hosts }))).toEqual([
      { cidr: '10.45.0.0/24', hosts: 2 },
      { cidr: '10.46.0.0/24', hosts: 1 },
    ]);
    expect(view.named('bridge:br0')?.subnets).toEqual([]);
    expect(view.get(networkIdOf('ecompute'))).toBe(view.named('ecompute'));
  });

  test('an address is of the subnet that holds it', () => {
    const network = viewOfNetworks([{ ...host(45), subnets: [...host(45).subnets, IPV6] }]).named('ecompute');
    if (!network) throw new Error('no network');
    expect(subnetOf(network, '10.45.0.7')?.cidr).toBe('10.45.0.0/24');
    expect(subnetOf(network, 'fd00:45::10:7')?.cidr).toBe('fd00:45::/64');
    expect(subnetOf(network, '10.46.0.7')).toBeUndefined();
  });
});

const instance = {
  instance: INSTANCE,
  project: 'p1',
  host: 'h1',
  hostName: 'compute-1',
  state: 'active' as const,
  nics: [
    { network: 'ecompute', mac: '52:54:00:2D:00:02', addresses: ['10.45.0.2', 'fd00:45::10:1'] },
    { network: 'gone', mac: '52:00:00:00:00:02', addresses: ['192.0.2.7'] },
    { network: 'later', mac: null, addresses: [] },
  ],
  createdAt: null,
  updatedAt: null,
};

describe('ports', () => {
  test('an interface has a port as soon as it has a MAC address', () => {
    const ports = portsOf(viewOfNetworks([host(45)]), instance);
    expect(ports.map(({ id, mac, status, network }) => ({ id, mac, status, network: network.id }))).toEqual([
      {
        id: portIdOf(INSTANCE, 'ecompute'),
        mac: '52:54:00:2d:00:02',
        status: 'ACTIVE',
        network: networkIdOf('ecompute'),
      },
      { id: portIdOf(INSTANCE, 'gone'), mac: '52:00:00:00:00:02', status: 'ACTIVE', network: networkIdOf('gone') },
    ]);
    expect(ports.map(({ addresses }) => addresses.map(({ subnet }) => subnet !== null))).toEqual([
      [true, false],
      [false],
    ]);
  });

  test('a server’s addresses stand under the names of its networks', () => {
    expect(addressesOf(instance)).toEqual({
      ecompute: ['10.45.0.2', 'fd00:45::10:1'].map((addr, index) => ({
        addr,
        version: index === 0 ? 4 : 6,
        'OS-EXT-IPS:type': 'fixed',
        'OS-EXT-IPS-MAC:mac_addr': '52:54:00:2d:00:02',
      })),
      gone: [expect.objectContaining({ addr: '192.0.2.7' })],
    });
  });
});

describe('networkNames', () => {
  const view = viewOfNetworks([host(45, ['ecompute', 'storage'])]);

  test('networks become names', () => {
    expect(networkNames(view, [{ uuid: networkIdOf('storage') }, { uuid: networkIdOf('ecompute') }])).toEqual([
      'storage',
      'ecompute',
    ]);
  });

  test.each([
    [{ uuid: networkIdOf('other') }, /could not be found/],
    [{ port: INSTANCE }, /ports come and go/],
    [{ uuid: networkIdOf('storage'), fixed_ip: '10.0.0.1' }, /chooses its addresses/],
    [{}, /needs the uuid/],
  ])('%o is refused', (asked, reason) => {
    expect(() => networkNames(view, [asked])).toThrow(reason);
  });

  test('a server has one interface on a network', () => {
    const asked = { uuid: networkIdOf('storage') };
    expect(() => networkNames(view, [asked, asked])).toThrow(/Duplicate/);
  });
});
