import { EcomputeError } from '@etcd-compute/common/errors';
import type { SnapshotName } from '@etcd-compute/common/etcd/keys';
import { wishesOf, bootRequestSchema } from '@etcd-compute/common/etcd/messages/boot-request';
import { instanceRecordSchema } from '@etcd-compute/common/etcd/messages/instance-record';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import {
  snapshotHolderSchema,
  snapshotSchema,
  type Snapshot,
  type SnapshotHolder,
} from '@etcd-compute/common/etcd/messages/snapshot';
import type { Entry } from '@etcd-compute/common/etcd/store';
import type { Services } from '../services.js';

/** What stands behind the name of a snapshot. */
export interface FoundSnapshot {
  /** The key of the name. */
  readonly entry: Entry;
  readonly holder: SnapshotHolder;
  /** Undefined when it is not there: it was not taken yet, could not be taken, or is gone. */
  readonly snapshot: Snapshot | undefined;
  /** It was asked for, and its agent has not said yet what became of it. */
  readonly isPending: boolean;
}

/** Three reads, however many snapshots there are. @returns undefined when nobody has the name. */
export const findSnapshot = async (services: Services, named: SnapshotName): Promise<FoundSnapshot | undefined> => {
  const { keys } = services;
  const store = await services.store();
  const entry = await store.get(keys.snapshot(named));
  if (!entry) return undefined;
  const holder = parseMessage(snapshotHolderSchema, entry.key, entry.value);
  const { host, instance, count } = holder;
  const { entries } = await store.getMany([
    keys.imageSnapshot(host, named),
    keys.request(host, instance),
    keys.report(host, instance),
  ]);
  const [told, request, record] = entries;
  const isAsked =
    request !== undefined &&
    wishesOf(parseMessage(bootRequestSchema, request.key, request.value)).some((wish) => wish.count === count);
  const done = record ? parseMessage(instanceRecordSchema, record.key, record.value).wish_count : 0;
  return {
    entry,
    holder,
    snapshot: told && parseMessage(snapshotSchema, told.key, told.value),
    isPending: isAsked && done < count,
  };
};

export const snapshotUnknown = ({ project, name }: SnapshotName, found?: FoundSnapshot): EcomputeError => {
  const details = { project, name, ...(found && { instance: found.holder.instance }) };
  return new EcomputeError(
    'ECOMPUTE_SNAPSHOT_UNKNOWN',
    found?.isPending
      ? `the snapshot '${name}' of instance ${found.holder.instance} has not been taken yet`
      : `there is no snapshot '${name}' in project '${project}'`,
    { details },
  );
};
