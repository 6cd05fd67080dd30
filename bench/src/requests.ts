import {
  instanceRecordSchema,
  newRecord,
  type InstanceRecord,
} from '@etcd-compute/common/etcd/messages/instance-record';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { newInstanceUuid, providerUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import { allocate } from '@etcd-compute/common/placement/allocations';
import { waitFor } from '@etcd-compute/testing/wait-for';
import type { Stage } from './stage.js';

/** What the scheduler writes, without its process: so that what is measured is the agent. */

export const GUEST = { VCPU: 1, MEMORY_MB: 128, DISK_GB: 1 };

export const boot = async (stage: Stage): Promise<InstanceUuid> => {
  const { store, keys, placement, agent, imageUrl } = stage;
  const host = providerUuidSchema.parse(agent.uuid);
  const instance = newInstanceUuid();
  const allocations = { [host]: { resources: GUEST } };
  const result = await allocate(placement, { instance, allocations, userId: 'bench', projectId: 'bench' });
  if (result.outcome !== 'allocated') throw result.err;
  const request = {
    allocations,
    user_id: 'bench',
    project_id: 'bench',
    consumer_generation: null,
    instance,
    image: imageUrl,
  };
  const record = newRecord({
    instance,
    host,
    name: null,
    resources: GUEST,
    image: imageUrl,
    reason: 'bench',
    now: new Date(),
  });
  const [requestKey, recordKey] = [keys.request(host, instance), keys.record(instance)];
  await store.txn(
    [{ key: requestKey, modRevision: '0' }],
    [
      { op: 'put', key: requestKey, value: JSON.stringify(request) },
      { op: 'put', key: recordKey, value: JSON.stringify(record) },
    ],
  );
  return instance;
};

export const destroy = async ({ store, keys, agent }: Stage, instance: InstanceUuid): Promise<void> => {
  const key = keys.request(providerUuidSchema.parse(agent.uuid), instance);
  const entry = await store.get(key);
  const wish = {
    allocations: {},
    user_id: 'bench',
    project_id: 'bench',
    consumer_generation: 1,
    instance,
    image: null,
  };
  if (entry)
    await store.txn([{ key, modRevision: entry.modRevision }], [{ op: 'put', key, value: JSON.stringify(wish) }]);
};

/** Polls the record until it is as wanted; a record in error is thrown with its fault. */
export const waitForRecord = async (
  { store, keys }: Stage,
  instance: InstanceUuid,
  { what, isDone }: { what: string; isDone: (record: InstanceRecord) => boolean },
): Promise<InstanceRecord> => {
  let failed: InstanceRecord | undefined;
  const record = await waitFor(
    async () => {
      const entry = await store.get(keys.record(instance));
      const value = entry && parseMessage(instanceRecordSchema, entry.key, entry.value);
      if (value?.state === 'error') failed = value;
      return value && (failed || isDone(value)) ? value : undefined;
    },
    { what: `instance ${instance} to be ${what}`, timeoutMs: 300_000, intervalMs: 20 },
  );
  if (failed) throw new Error(`instance ${instance} failed: ${failed.fault?.message ?? 'no reason'}`);
  return record;
};

export const isRunning = ({ state }: InstanceRecord): boolean => state === 'active';
export const hasAddress = ({ addresses }: InstanceRecord): boolean => addresses.length > 0;
export const isDeleted = ({ state }: InstanceRecord): boolean => state === 'deleted';
