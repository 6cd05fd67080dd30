import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { isOwnPortName, portNameOf, slotOfPort } from '@etcd-compute/agent/networks/port-names';
import { portsOf } from '@etcd-compute/agent/networks/ports';
import { renderMark } from '@etcd-compute/agent/domains/domain';
import { renderDomain, type DomainSpec } from '@etcd-compute/libvirt/xml/domain';
import { describe, expect, test } from 'vitest';
import { HERE, INSTANCE } from '../instances/builders.js';

const NETWORKS = agentConfigSchema.parse({ network: { cidr: '10.45.0.0/24' }, bridge: 'br0' });

const aDomain = (changes: Partial<DomainSpec> = {}): string =>
  renderDomain({
    uuid: INSTANCE,
    name: INSTANCE,
    type: 'qemu',
    vcpus: 1,
    memoryMiB: 64,
    disks: [],
    interfaces: [
      { network: 'ecompute', mac: '52:54:00:2D:00:02', model: 'virtio', targetDev: 'vnet3' },
      { bridge: 'br0', mac: '52:8d:1a:2b:3c:4d', model: 'virtio', targetDev: 'ec1' },
    ],
    metadata: [renderMark({ host: HERE, stateDir: '/state' })],
    ...changes,
  });

test('a port’s name fits into Linux’s 15 characters, is not one that libvirt takes for its own, and is known again', () => {
  const names = [0, 1, 35].map((index) => portNameOf(INSTANCE, index));
  expect(names).toEqual(['ec6b2f3c1e0c5d0', 'ec6b2f3c1e0c5d1', 'ec6b2f3c1e0c5dz']);
  expect(names.map((name) => name.length)).toEqual([15, 15, 15]);
  expect(names.map(isOwnPortName)).toEqual([true, true, true]);
  expect(names.map(slotOfPort)).toEqual([0, 1, 35]);
  expect(['vnet0', 'eth0', ''].map(isOwnPortName)).toEqual([false, false, false]);
  expect(slotOfPort('vnet0')).toBeUndefined();
});

describe('the ports of a domain', () => {
  test('are those on the agent’s network, with the address of their MAC, and those on the bridge', () => {
    expect(portsOf(aDomain(), NETWORKS)).toEqual([
      { name: 'vnet3', instance: INSTANCE, mac: '52:54:00:2d:00:02', address: '10.45.0.2' },
      { name: 'ec1', instance: INSTANCE, mac: '52:8d:1a:2b:3c:4d' },
    ]);
  });

  test('on a network that somebody else keeps have no address', () => {
    expect(portsOf(aDomain(), agentConfigSchema.parse({ network: { manage: false } }))).toEqual([
      { name: 'vnet3', instance: INSTANCE, mac: '52:54:00:2d:00:02' },
    ]);
  });

  test.each([
    ['no agent has made', { metadata: [] }],
    [
      'is stopped, and was made by an earlier version',
      { interfaces: [{ network: 'ecompute', mac: '52:54:00:2d:00:02', model: 'virtio' }] },
    ],
    [
      'has a MAC that is none of the network’s',
      { interfaces: [{ network: 'ecompute', mac: '52:54:00:00:00:02', model: 'virtio', targetDev: 'v' }] },
    ],
    [
      'is on another network',
      { interfaces: [{ network: 'default', mac: '52:54:00:2d:00:02', model: 'virtio', targetDev: 'v' }] },
    ],
    [
      'is on another bridge',
      { interfaces: [{ bridge: 'br1', mac: '52:54:00:2d:00:02', model: 'virtio', targetDev: 'v' }] },
    ],
  ] as const)('are none when the domain %s', (_what, changes) => {
    expect(portsOf(aDomain(changes), NETWORKS)).toEqual([]);
  });
});
