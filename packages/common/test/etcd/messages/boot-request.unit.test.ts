import {
  bootRequestSchema,
  isDestroyWish,
  providersOf,
  resourcesOn,
} from '@etcd-compute/common/etcd/messages/boot-request';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { providerUuidSchema } from '@etcd-compute/common/ids';
import { describe, expect, test } from 'vitest';

const HOST = 'c1a6523e-c50a-42c2-8952-f2d3a8479e99';
const INSTANCE = '6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d';
const host = providerUuidSchema.parse(HOST);

/** As the original's eschedule writes it. */
const originalBoot = {
  allocations: { [HOST]: { resources: { VCPU: 1, DISK_GB: 1, MEMORY_MB: 256 } } },
  user_id: 'b3a4a3f4-6c52-4dbb-9d1e-7ca5d6eb7b2a',
  project_id: '0f6c3b8e-9a3d-4a52-9a4f-2f5f3f0a7f11',
  consumer_generation: null,
  instance: INSTANCE,
  image: 'http://download.cirros-cloud.net/0.3.6/cirros-0.3.6-x86_64-disk.img',
};
const originalDestroy = { ...originalBoot, allocations: {}, consumer_generation: 1, image: null };

const parse = (value: unknown) => parseMessage(bootRequestSchema, '/hosts/h/i', JSON.stringify(value));

describe('boot request', () => {
  test('the original’s messages are complete ones', () => {
    const boot = parse(originalBoot);
    expect(boot).toEqual(originalBoot);
    expect(isDestroyWish(boot)).toBe(false);
    expect(resourcesOn(boot, host)).toEqual({ VCPU: 1, DISK_GB: 1, MEMORY_MB: 256 });
    expect(providersOf(boot)).toEqual([HOST]);
    const destroy = parse(originalDestroy);
    expect(isDestroyWish(destroy)).toBe(true);
    expect(resourcesOn(destroy, host)).toBeUndefined();
    expect(providersOf(destroy)).toEqual([]);
  });

  test('members that it does not know are kept, at every level', () => {
    const newer = {
      ...originalBoot,
      mappings: { '': [HOST] },
      allocations: { [HOST]: { resources: { VCPU: 1, CUSTOM_GPU: 2 }, generation: 7 } },
      later: [1],
    };
    expect(parse(newer)).toEqual(newer);
  });

  test('a provider is found whatever the case of its uuid', () => {
    const { resources } = originalBoot.allocations[HOST] ?? {};
    expect(resourcesOn(parse({ ...originalBoot, allocations: { [HOST.toUpperCase()]: { resources } } }), host)).toEqual(
      resources,
    );
  });

  test.each([
    ['instance', undefined],
    ['instance', 'web1'],
    ['instance', `${INSTANCE}\n`],
    ['image', undefined],
    ['image', 7],
    ['allocations', undefined],
    ['allocations', []],
    ['allocations', { host: { resources: {} } }],
    ['allocations', { [HOST]: { VCPU: 1 } }],
    ['allocations', { [HOST]: { resources: { VCPU: -1 } } }],
    ['allocations', { [HOST]: { resources: { VCPU: 1.5 } } }],
    ['allocations', { [HOST]: { resources: { VCPU: '1' } } }],
    ['consumer_generation', 'x'],
    ['name', '-dash'],
    ['version', 2],
  ])('with %s = %j it is refused, and the error names key and member', (member, value) => {
    expect(() => parse({ ...originalBoot, [member]: value })).toThrow(
      expect.objectContaining({
        code: 'ECOMPUTE_REQUEST_INVALID',
        message: expect.stringMatching(new RegExp(`^the value of etcd key /hosts/h/i is not understood: ${member}`)),
        hint: 'look at it with: etcdctl get /hosts/h/i',
      }),
    );
  });

  test.each(['', 'hello', '{', '\u0000'])('%j is not JSON, and is told so', (text) => {
    expect(() => parseMessage(bootRequestSchema, '/hosts/h/i', text)).toThrow(
      'the value of etcd key /hosts/h/i is not JSON',
    );
  });

  test.each(['null', '1', '"x"', '[]'])('%s is JSON of another shape', (text) => {
    expect(() => parseMessage(bootRequestSchema, '/hosts/h/i', text)).toThrow('is not understood: (value): ');
  });
});
