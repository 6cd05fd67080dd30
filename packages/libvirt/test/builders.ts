import { randomUUID } from 'node:crypto';
import type { DomainSpec } from '@etcd-compute/libvirt/xml/domain';
import type { NetworkSpec } from '@etcd-compute/libvirt/xml/network';

/** A domain for libvirt's test driver; its name is its uuid, so that nothing is shared between tests. */
export function aDomain(changes: Partial<DomainSpec> = {}): DomainSpec {
  const uuid = changes.uuid ?? randomUUID();
  return { uuid, name: uuid, type: 'test', vcpus: 1, memoryMiB: 64, disks: [], interfaces: [], ...changes };
}

export function aNetwork(changes: Partial<NetworkSpec> = {}): NetworkSpec {
  const uuid = randomUUID();
  return {
    uuid,
    name: uuid,
    bridge: { name: `vb${uuid.slice(0, 8)}`, stp: false, delay: 0 },
    forward: 'nat',
    ip: { address: '10.77.0.1', prefix: 24, dhcp: { ranges: [{ start: '10.77.0.2', end: '10.77.0.254' }], hosts: [] } },
    ...changes,
  };
}

export const aMac = '52:54:00:12:34:56';
