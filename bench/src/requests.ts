import {
  instanceRecordSchema,
  newRecord,
  type InstanceRecord,
} from '@etcd-compute/common/etcd/messages/instance-record';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Entry } from '@etcd-compute/common/etcd/store';
import { newInstanceUuid, providerUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import { createPlacementCapacity } from '@etcd-compute/common/capacity/placement-capacity';
import { StopWaiting, waitFor } from '@etcd-compute/testing/wait-for';
import type { Stage } from './stage.js';

/** One host, and its servers. */
export type Cloud = Pick<Stage, 'store' | 'keys' | 'placement' | 'agent' | 'imageUrl'>;

/** What the scheduler writes, without its process: so that what is measured is the agent. */

export const GUEST = { VCPU: 1, MEMORY_MB: 128, DISK_GB: 1 };

/** The scheduler's first half: room on the host. */
export const allocateOn = async ({ placement, agent }: Cloud): Promise<InstanceUuid> => {
  const instance = newInstanceUuid();
  const allocations = { [agent.uuid]: { resources: GUEST } };
  const result = await createPlacementCapacity(placement).allocate([
    { instance, allocations, userId: 'bench', projectId: 'bench' },
  ]);
  if (result.outcome !== 'allocated') throw result.err;
  return instance;
};

/** Its second half: request and record, in one txn. */
export const request = async ({ store, keys, agent, imageUrl }: Cloud, instance: InstanceUuid): Promise<void> => {
  const host = providerUuidSchema.parse(agent.uuid);
  const value = {
    allocations: { [host]: { resources: GUEST } },
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
  const [requestKey, recordKey] = [keys.request(host, instance), keys.report(host, instance)];
  await store.txn(
    [{ key: requestKey, modRevision: '0' }],
    [
      { op: 'put', key: requestKey, value: JSON.stringify(value) },
      { op: 'put', key: recordKey, value: JSON.stringify(record) },
    ],
  );
};

export const boot = async (stage: Cloud): Promise<InstanceUuid> => {
  const instance = await allocateOn(stage);
  await request(stage, instance);
  return instance;
};

export const destroy = async ({ store, keys, agent }: Cloud, instance: InstanceUuid): Promise<void> => {
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

export interface Wanted {
  readonly what: string;
  readonly isDone: (record: InstanceRecord) => boolean;
}

/** Reads all records at once, ten times a second, until those are as wanted; one in error ends the wait with its fault. */
export const waitForRecords = async (
  { store, keys }: Cloud,
  instances: readonly InstanceUuid[],
  { what, isDone }: Wanted,
): Promise<InstanceRecord[]> =>
  waitFor(
    async () => {
      const { entries } = await store.list(keys.reports);
      const records = new Map(entries.map((entry) => [keys.parseReport(entry.key)?.instance, parse(entry)]));
      const found = instances.flatMap((instance) => records.get(instance) ?? []);
      const failed = found.find(({ state }) => state === 'error');
      if (failed) throw new StopWaiting(`instance ${failed.instance} failed: ${failed.fault?.message ?? 'no reason'}`);
      return found.length === instances.length && found.every(isDone) ? found : undefined;
    },
    { what: `${instances.length} instances to be ${what}`, timeoutMs: 600_000, intervalMs: 100 },
  );

const parse = (entry: Entry): InstanceRecord => parseMessage(instanceRecordSchema, entry.key, entry.value);

export const isRunning = ({ state }: InstanceRecord): boolean => state === 'active';
export const hasAddress = ({ addresses }: InstanceRecord): boolean => addresses.length > 0;
export const isDeleted = ({ state }: InstanceRecord): boolean => state === 'deleted';
