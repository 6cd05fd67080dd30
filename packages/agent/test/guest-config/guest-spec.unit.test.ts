import { specOf } from '@etcd-compute/agent/guest-config/guest-spec';
import { describe, expect, test } from 'vitest';
import { aBootRequest, aDestroyRequest, ELSEWHERE, HERE, INSTANCE } from '../instances/builders.js';

describe('specOf', () => {
  test('reads what this host’s provider gives, whatever else is allocated', () => {
    const request = aBootRequest({
      allocations: {
        [ELSEWHERE]: { resources: { VCPU: 9 } },
        [HERE]: { resources: { VCPU: 2, MEMORY_MB: 512, DISK_GB: 3, CUSTOM_GPU: 1 } },
      },
    });
    expect(specOf(request, HERE)).toEqual({
      instance: INSTANCE,
      project: 'p',
      imageUrl: 'http://images/tiny',
      vcpus: 2,
      memoryMiB: 512,
      disks: [{ uuid: INSTANCE, sizeGiB: 3 }],
      guest: {},
    });
  });

  test.each(['VCPU', 'MEMORY_MB', 'DISK_GB'])('without %s, or with none of it, the request is invalid', (missing) => {
    for (const amount of [undefined, 0]) {
      const resources: Record<string, number> = { VCPU: 1, MEMORY_MB: 64, DISK_GB: 1 };
      delete resources[missing];
      if (amount !== undefined) resources[missing] = amount;
      expect(() => specOf(aBootRequest({ allocations: { [HERE]: { resources } } }), HERE)).toThrow(
        expect.objectContaining({
          code: 'ECOMPUTE_REQUEST_INVALID',
          message: `the boot request of instance ${INSTANCE} has no ${missing}`,
          hint: 'an instance needs VCPU, MEMORY_MB and DISK_GB',
        }),
      );
    }
  });

  test('without an image it is invalid', () => {
    const { allocations } = aBootRequest();
    expect(() => specOf({ ...aDestroyRequest(), allocations }, HERE)).toThrow('has no image');
  });
});
