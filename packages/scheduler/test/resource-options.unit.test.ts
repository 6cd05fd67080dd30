import { buildWant } from '@etcd-compute/scheduler/resource-options';
import { describe, expect, test } from 'vitest';

const WANTED = {
  vcpus: 2,
  memoryMiB: 512,
  diskGiB: 10,
  resources: undefined,
  traits: [],
  memberOf: undefined,
};

describe('buildWant', () => {
  test('asks for the three amounts', () => {
    expect(buildWant(WANTED).query).toBe('resources=VCPU:2,MEMORY_MB:512,DISK_GB:10');
  });

  test('adds traits and an aggregate', () => {
    const query = buildWant({ ...WANTED, traits: ['HW_CPU_X86_AVX2', '!CUSTOM_SLOW'], memberOf: 'in:a0,b1' });
    expect(query.query).toBe(
      'resources=VCPU:2,MEMORY_MB:512,DISK_GB:10&required=HW_CPU_X86_AVX2,!CUSTOM_SLOW&member_of=in:a0,b1',
    );
    expect(query).toMatchObject({ required: ['HW_CPU_X86_AVX2'], forbidden: ['CUSTOM_SLOW'], memberOf: ['in:a0,b1'] });
  });

  test('takes amounts alone or a whole query in place of the three', () => {
    expect(buildWant({ ...WANTED, resources: 'VCPU:1,CUSTOM_GPU:1' }).query).toBe('resources=VCPU:1,CUSTOM_GPU:1');
    const whole = 'resources1=VCPU:1&resources2=VCPU:1&group_policy=isolate';
    expect(buildWant({ ...WANTED, resources: whole })).toMatchObject({ query: whole });
  });
});
