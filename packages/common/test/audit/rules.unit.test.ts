import { isOurConsumerType, needsAllocation, RELEASE_ROOM_STEP } from '@etcd-compute/common/audit/rules';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { INSTANCE_STATES, newRecord, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import { describe, expect, test } from 'vitest';

const host = newProviderUuid();
const instance = newInstanceUuid();
const resources = { VCPU: 1 };
const request: BootRequest = { allocations: { [host]: { resources } }, instance, image: 'http://images.example/a' };

const aRecord = (changes: Partial<InstanceRecord>): InstanceRecord => ({
  ...newRecord({ instance, host, name: null, resources, image: null, reason: 'placed', now: new Date() }),
  ...changes,
});
const fault = { code: 'ECOMPUTE_INTERNAL', message: 'no', step: null, hint: null, retryable: false };

describe('a request needs an allocation', () => {
  test('unless its instance has given it back, or is about to', () => {
    const needs = INSTANCE_STATES.filter((state) => needsAllocation(request, aRecord({ state }), host));
    expect(needs).toEqual(['scheduled', 'building', 'active', 'stopped', 'suspended', 'deleted']);
    expect(needsAllocation(request, aRecord({ state: 'building', fault }), host)).toBe(false);
    const lost = { ...fault, code: 'ECOMPUTE_DOMAIN_LOST' };
    expect(needsAllocation(request, aRecord({ state: 'error', fault: lost }), host)).toBe(true);
    expect(needsAllocation(request, undefined, host)).toBe(true);
    const step = { name: RELEASE_ROOM_STEP, since: '', progress: null };
    expect(needsAllocation(request, aRecord({ state: 'active', step }), host)).toBe(false);
  });

  test('only where it asks for something, and where its instance is', () => {
    expect(needsAllocation({ ...request, allocations: {} }, undefined, host)).toBe(false);
    expect(needsAllocation({ ...request, allocations: { [host]: { resources: {} } } }, undefined, host)).toBe(false);
    expect(needsAllocation(request, undefined, newProviderUuid())).toBe(false);
    const elsewhere = { host: newProviderUuid(), state: 'active' } as const;
    expect(needsAllocation(request, aRecord(elsewhere), host)).toBe(false);
    expect(needsAllocation(request, aRecord({ ...elsewhere, state: 'deleted' }), host)).toBe(true);
  });
});

test.each([
  ['INSTANCE', true],
  ['unknown', true],
  [undefined, true],
  ['MIGRATION', false],
  ['instance', false],
])('a consumer of type %s is ours: %s', (type, isOurs) => {
  expect(isOurConsumerType(type)).toBe(isOurs);
});
