import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { planNics, readNics } from '@etcd-compute/agent/networks/nics';
import { sourceOf } from '@etcd-compute/agent/networks/host-networks';
import { describe, expect, test } from 'vitest';
import { INSTANCE } from '../instances/builders.js';

const configOf = (changes: Record<string, unknown> = {}) =>
  agentConfigSchema.parse({ network: { cidr: '10.45.0.0/24' }, ...changes });
const reserved = (name: string): string | undefined => (name === 'ecompute' ? '10.45.0.7' : undefined);
const FIRST = { slot: 0, network: 'ecompute', mac: '52:54:00:2d:00:07', address: '10.45.0.7', port: 'ec6b2f3c1e0c5d0' };
const SECOND = { slot: 1, network: 'bridge:br0', mac: '52:8d:1a:2b:3c:4e', port: 'ec6b2f3c1e0c5d1' };

describe('the interfaces of an instance', () => {
  test.each([
    ['are one on the managed network, with the MAC of its address', {}, [FIRST]],
    ['are two where the host has a bridge', { bridge: 'br0' }, [FIRST, SECOND]],
    [
      'get IPv6 addresses where the managed network has them',
      { network: { cidr: '10.45.0.0/24', cidr6: 'fd00:45::/64' }, bridge: 'br0' },
      [{ ...FIRST, hasDhcp6: true }, SECOND],
    ],
  ])('%s', (_what, changes, nics) => {
    expect(planNics({ instance: INSTANCE }, configOf(changes), reserved)).toEqual(nics);
  });

  test('have MACs made from the uuid on a network that others keep', () => {
    const config = configOf({ network: { name: 'default', manage: false, cidr6: 'fd00:45::/64' } });
    expect(planNics({ instance: INSTANCE }, config, reserved)).toEqual([
      { slot: 0, network: 'default', mac: '52:8d:1a:2b:3c:4d', port: 'ec6b2f3c1e0c5d0' },
    ]);
  });

  const MORE = {
    bridge: 'br0',
    networks: [
      { name: 'storage', cidr: '10.46.0.0/24' },
      { name: 'default', manage: false },
    ],
    bridges: ['br1'],
  };

  test('are on the networks that it asks for, each in its slot', () => {
    const nics = ['storage', 'bridge:br1', 'default'].map((network, slot) => ({ slot: slot + 3, network }));
    const addressOn = (network: string): string | undefined => (network === 'storage' ? '10.46.0.9' : undefined);
    expect(planNics({ instance: INSTANCE, nics }, configOf(MORE), addressOn)).toEqual([
      { slot: 3, network: 'storage', mac: '52:54:00:2e:00:09', address: '10.46.0.9', port: 'ec6b2f3c1e0c5d3' },
      { slot: 4, network: 'bridge:br1', mac: '52:8d:1a:2b:3c:51', port: 'ec6b2f3c1e0c5d4' },
      { slot: 5, network: 'default', mac: '52:8d:1a:2b:3c:52', port: 'ec6b2f3c1e0c5d5' },
    ]);
    expect(planNics({ instance: INSTANCE }, configOf(MORE), reserved)).toEqual([FIRST, SECOND]);
  });

  test('on a network that the host lacks are refused, with those that it has', () => {
    const nics = [{ slot: 0, network: 'backup' }];
    expect(() => planNics({ instance: INSTANCE, nics }, configOf(MORE), reserved)).toThrow(
      expect.objectContaining({
        code: 'ECOMPUTE_REQUEST_INVALID',
        message: `instance ${INSTANCE} wants the network 'backup', and this host has ecompute, bridge:br0, storage, default, bridge:br1`,
        retryable: true,
      }),
    );
  });

  test('are read from the domain as they were planned', () => {
    const config = configOf({ network: { cidr: '10.45.0.0/24', cidr6: 'fd00:45::/64' }, bridge: 'br0' });
    const nics = planNics({ instance: INSTANCE }, config, reserved);
    const interfaces = nics.map(({ network, mac, port = '' }) => ({
      ...sourceOf(network),
      mac: mac.toUpperCase(),
      model: 'virtio',
      targetDev: port,
    }));
    expect(readNics({ interfaces }, config)).toEqual(nics);
    expect(readNics({ interfaces: interfaces.toReversed() }, config)).toEqual(nics.toReversed());
  });
});

describe('the interfaces of a domain', () => {
  test('whose ports libvirt has named are counted, and on a network that is not the host’s have no address', () => {
    const interfaces = [
      { network: 'default', mac: '52:54:00:2d:00:07', model: 'virtio' },
      { network: 'ecompute', mac: '52:54:00:2d:00:08', model: 'virtio', targetDev: 'vnet3' },
    ];
    expect(readNics({ interfaces }, configOf())).toEqual([
      { slot: 0, network: 'default', mac: '52:54:00:2d:00:07' },
      { slot: 1, network: 'ecompute', mac: '52:54:00:2d:00:08', address: '10.45.0.8', port: 'vnet3' },
    ]);
  });
});
