import { parseWant } from '@etcd-compute/common/capacity/want';
import { explainHost } from '@etcd-compute/cloud/selection/explain-host';
import type { HostFacts } from '@etcd-compute/common/capacity/capacity';
import { describe, expect, test } from 'vitest';

const inventory = (total: number, more: object = {}) => ({
  total,
  reserved: 0,
  allocation_ratio: 1,
  min_unit: 1,
  max_unit: total,
  step_size: 1,
  ...more,
});

const FACTS: HostFacts = {
  inventories: { VCPU: inventory(4), MEMORY_MB: inventory(1000, { reserved: 100, allocation_ratio: 1.5 }) },
  usages: { VCPU: 3, MEMORY_MB: 1000 },
  traits: ['HW_CPU_X86_AVX'],
  aggregates: ['a0'],
};

const explain = (query: string, facts: Partial<HostFacts> = {}): string[] =>
  explainHost(parseWant(query), { ...FACTS, ...facts });

describe('explainHost', () => {
  test.each([
    ['resources=VCPU:1', []],
    ['resources=VCPU:2', ['VCPU: asked 2, free 1 of 4']],
    ['resources=MEMORY_MB:351', ['MEMORY_MB: asked 351, free 350 of 1350']],
    ['resources=DISK_GB:1', ['has no DISK_GB']],
    ['resources=VCPU:2,DISK_GB:1', ['VCPU: asked 2, free 1 of 4', 'has no DISK_GB']],
    ['resources=VCPU:1&required=HW_CPU_X86_AVX,CUSTOM_SSD', ['lacks trait CUSTOM_SSD']],
    ['resources=VCPU:1&required=!HW_CPU_X86_AVX', ['has trait HW_CPU_X86_AVX']],
    ['resources=VCPU:1&member_of=b1', ['is no member of b1']],
    ['resources=VCPU:1&member_of=in:b1,a0', []],
    ['resources=VCPU:1&member_of=!a0', ['is a member of a0']],
  ])('%s', (query, reasons) => {
    expect(explain(query)).toEqual(reasons);
  });

  test('units: too many, too few, not in steps', () => {
    const only = (more: object) => ({ inventories: { VCPU: inventory(100, more) }, usages: {} });
    expect(explain('resources=VCPU:9', only({ max_unit: 8 }))).toEqual(['VCPU: asked 9, at most 8 for one instance']);
    expect(explain('resources=VCPU:1', only({ min_unit: 2 }))).toEqual(['VCPU: asked 1, at least 2 for one instance']);
    expect(explain('resources=VCPU:3', only({ step_size: 2 }))).toEqual(['VCPU: asked 3, given in steps of 2']);
  });

  test('a host whose VCPUs are all reserved is draining, whatever else it lacks', () => {
    const inventories = { VCPU: inventory(4, { reserved: 4 }) };
    expect(explain('resources=DISK_GB:1', { inventories })).toEqual(['it is draining: all its VCPUs are reserved']);
  });
});
