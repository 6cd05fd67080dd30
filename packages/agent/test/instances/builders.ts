import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { newRecord, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { instanceUuidSchema, newSessionUuid, providerUuidSchema } from '@etcd-compute/common/ids';

export const HERE = providerUuidSchema.parse('c1a6523e-c50a-42c2-8952-f2d3a8479e99');
export const ELSEWHERE = providerUuidSchema.parse('0a0a0a0a-c50a-42c2-8952-f2d3a8479e99');
export const INSTANCE = instanceUuidSchema.parse('6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d');

export const aBootRequest = (changes: Partial<BootRequest> = {}): BootRequest =>
  bootRequestSchema.parse({
    allocations: { [HERE]: { resources: { VCPU: 1, DISK_GB: 1, MEMORY_MB: 64 } } },
    user_id: 'u',
    project_id: 'p',
    consumer_generation: null,
    instance: INSTANCE,
    image: 'http://images/tiny',
    ...changes,
  });

export const aDestroyRequest = (): BootRequest => aBootRequest({ allocations: {}, image: null });

const aNic = { slot: 0, network: 'ecompute', mac: '52:54:00:2d:00:02' };

export const aRecord = (changes: Partial<InstanceRecord> = {}): InstanceRecord => ({
  ...newRecord({
    instance: INSTANCE,
    host: HERE,
    name: null,
    resources: { VCPU: 1 },
    image: 'http://images/tiny',
    nics: [aNic],
    reason: 'allocated',
    now: new Date(0),
  }),
  session: newSessionUuid(),
  ...changes,
});

export const anAddress = { address: '10.45.0.2', family: 'ipv4', mac: '52:54:00:2d:00:02', source: 'lease' } as const;

export const aFault = { code: 'ECOMPUTE_DISK_FAILED', message: 'x', step: 'create-disk', hint: null, retryable: true };
