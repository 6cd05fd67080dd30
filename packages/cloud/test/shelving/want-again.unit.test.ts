import { wantAgain } from '@etcd-compute/cloud/shelving/want-again';
import { renderQuery } from '@etcd-compute/common/capacity/want';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import { expect, test } from 'vitest';

const resources = { VCPU: 4, MEMORY_MB: 64, DISK_GB: 3 };

const ask = (query?: string) => {
  const retry = query === undefined ? undefined : { attempts_left: 0, query, strategy: 'spread', failed_hosts: [] };
  const allocations = { [newProviderUuid()]: { resources } };
  const { want, resources: all } = wantAgain(
    { allocations, instance: newInstanceUuid(), image: null, retry },
    { DISK_GB: 5 },
  );
  return { query: decodeURIComponent(renderQuery(want)), all };
};

test.each([
  [undefined, 'resources=VCPU:4,MEMORY_MB:64,DISK_GB:5'],
  ['resources=VCPU:1,MEMORY_MB:64,DISK_GB:3', 'resources=VCPU:4,MEMORY_MB:64,DISK_GB:5'],
  [
    'resources=VCPU:1&required=HW_CPU_X86_AVX,!CUSTOM_OLD&required=in:A,B&member_of=in:1,2',
    'resources=VCPU:4,MEMORY_MB:64,DISK_GB:5&required=HW_CPU_X86_AVX,!CUSTOM_OLD&required=in:A,B&member_of=in:1,2',
  ],
])(
  'of an instance that was booted with %s, its amounts of now are wanted, and the rest as it was',
  (booted, wanted) => {
    expect(ask(booted)).toEqual({ query: wanted, all: { ...resources, DISK_GB: 5 } });
  },
);

test('a query with groups of resources is asked as it was', () => {
  const query = 'resources=VCPU:1&resources_NET=CUSTOM_PORT:1&group_policy=none';
  expect(ask(query)).toEqual({ query, all: undefined });
});
