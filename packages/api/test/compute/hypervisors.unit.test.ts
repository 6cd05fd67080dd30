import type { Hypervisor } from '@etcd-compute/api/compute/engine/hypervisors';
import { findHostById, idOfHost, matchHypervisors } from '@etcd-compute/api/compute/engine/hypervisors';
import { renderAmounts, renderHypervisor } from '@etcd-compute/api/compute/render-hypervisor';
import { expect, test } from 'vitest';
import { aHost } from './a-host.js';

const RESOURCES = {
  VCPU: { total: 4, reserved: 0, used: 3, allocationRatio: 4 },
  MEMORY_MB: { total: 8192, reserved: 512, used: 1024, allocationRatio: 1 },
  DISK_GB: { total: 100, reserved: 10, used: 20, allocationRatio: 1 },
};
const aHypervisor = (name: string, more = {}): Hypervisor => ({
  host: aHost(name, { resources: RESOURCES, instances: 2, ...more }),
  type: 'QEMU',
  version: 9_000_000,
  address: '192.0.2.1',
});

test('a hypervisor is shown with what it has, and what is used of it', () => {
  const hypervisor = aHypervisor('h1');
  const id = idOfHost(hypervisor.host, 1);
  expect(renderHypervisor(hypervisor, { minor: 1 })).toEqual({
    id,
    hypervisor_hostname: 'h1',
    hypervisor_type: 'QEMU',
    hypervisor_version: 9_000_000,
    host_ip: '192.0.2.1',
    state: 'up',
    status: 'enabled',
    service: { id, host: 'h1', disabled_reason: null },
    cpu_info: '',
    vcpus: 4,
    vcpus_used: 3,
    memory_mb: 8192,
    memory_mb_used: 1536,
    free_ram_mb: 6656,
    local_gb: 100,
    local_gb_used: 30,
    free_disk_gb: 70,
    disk_available_least: null,
    running_vms: 2,
    current_workload: 0,
  });
  expect(renderHypervisor(hypervisor, { minor: 88 })).not.toHaveProperty('vcpus');
});

test('what is drained is disabled; what cannot work is down', () => {
  const drain = { since: '2026-01-01T00:00:00Z', reason: 'new disks' };
  expect(renderHypervisor(aHypervisor('h1', { state: 'drained', drain }), { minor: 1 })).toMatchObject({
    state: 'up',
    status: 'disabled',
    service: { disabled_reason: 'new disks' },
  });
  expect(renderHypervisor(aHypervisor('h1', { state: 'down', agent: null }), { minor: 1 })).toMatchObject({
    state: 'down',
  });
});

test('statistics are the sum of all hosts', () => {
  expect(renderAmounts([aHost('h1', { resources: RESOURCES }), aHost('h2', { resources: RESOURCES })])).toMatchObject({
    vcpus: 8,
    free_ram_mb: 13_312,
    running_vms: 0,
  });
  expect(renderAmounts([])).toMatchObject({ vcpus: 0 });
});

test('one is found by a number, or by its uuid from version 2.53 on, or by a part of its name', () => {
  const all = [aHypervisor('h1'), aHypervisor('h2')];
  const [one] = all;
  const uuid = one?.host.host ?? '';
  expect(findHostById(all, { id: uuid, minor: 53 })).toBe(one);
  expect(() => findHostById(all, { id: uuid, minor: 1 })).toThrow('could not be found');
  expect(() => findHostById(all, { id: '1', minor: 53 })).toThrow('Invalid uuid');
  expect(matchHypervisors(all, 'h')).toEqual(all);
  expect(() => matchHypervisors(all, 'x')).toThrow('No hypervisor matching');
});
