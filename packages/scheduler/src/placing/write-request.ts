import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { GuestMembers } from '@etcd-compute/common/etcd/messages/guest-config';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import { newRecord, withState, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Guard, Write } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Cloud } from '../cloud.js';
import { totalResources, type Candidate } from '../selection/candidate.js';
import { commit, type CommitResult } from './commit.js';

/** What a person asked for, before it has a host. */
export interface InstanceSpec {
  readonly instance: InstanceUuid;
  readonly name: string | null;
  readonly image: string;
  /** Of what the image's URL gives. */
  readonly checksum?: string | undefined;
  /** What the guest is told. Holds secrets: never logged. */
  readonly guest?: GuestMembers;
  readonly userId: string;
  readonly projectId: string;
}

/** What an instance leaves behind when it moves on to another host after a failed build. */
export interface FailedAttempt {
  readonly record: InstanceRecord;
  readonly recordRevision: string;
  /** The old request; undefined when the agent has removed it. */
  readonly request: { readonly host: ProviderUuid; readonly revision: string } | undefined;
}

export interface PlanOptions {
  readonly keys: Keys;
  readonly spec: InstanceSpec;
  readonly candidate: Candidate;
  /** Words for the record's transition. */
  readonly reason: string;
  /** False where no agent of ours would ever update the record. */
  readonly hasRecord: boolean;
  readonly failed?: FailedAttempt | undefined;
}

/** The original's members, then ours. An agent of the original reads the first and passes over the rest. */
export const renderRequest = (spec: InstanceSpec, allocated: Pick<BootRequest, 'allocations'>): BootRequest => ({
  ...allocated,
  user_id: spec.userId,
  project_id: spec.projectId,
  consumer_generation: null,
  instance: spec.instance,
  image: spec.image,
  version: 1,
  ...(spec.name !== null && { name: spec.name }),
  ...(spec.checksum !== undefined && { image_checksum: spec.checksum }),
  ...spec.guest,
});

const renderRecord = ({ spec, candidate, reason, failed }: PlanOptions, now: Date): InstanceRecord => {
  const { host } = candidate;
  const resources = totalResources(candidate.request);
  if (!failed)
    return newRecord({ instance: spec.instance, host, name: spec.name, resources, image: spec.image, reason, now });
  const reset = { host, resources, session: null, step: null, fault: null, addresses: [], address_sources: null };
  return withState(failed.record, 'scheduled', { reason, now, ...reset });
};

export interface PlannedRequest {
  readonly guards: readonly Guard[];
  /** The first is the boot request, which nobody else would write. */
  readonly writes: readonly [Write & { op: 'put' }, ...Write[]];
  readonly record: InstanceRecord;
}

/**
 * The boot request and the instance record, to be written in one txn, which fails if anyone else wrote either. An instance that moves on
 * from a failed host leaves its old request in the same txn, so that it is never wished for on two hosts.
 */
export const planRequest = (options: PlanOptions): PlannedRequest => {
  const { keys, spec, candidate, hasRecord, failed } = options;
  const record = renderRecord(options, new Date());
  const requestKey = keys.request(candidate.host, spec.instance);
  const recordKey = keys.record(spec.instance);
  const oldKey = failed?.request && keys.request(failed.request.host, spec.instance);
  return {
    record,
    guards: [
      { key: requestKey, modRevision: '0' },
      { key: recordKey, modRevision: failed?.recordRevision ?? '0' },
      ...(failed?.request && oldKey !== undefined ? [{ key: oldKey, modRevision: failed.request.revision }] : []),
    ],
    writes: [
      { op: 'put', key: requestKey, value: JSON.stringify(renderRequest(spec, candidate.request)) },
      ...(hasRecord ? [{ op: 'put', key: recordKey, value: JSON.stringify(record) } as const] : []),
      ...(oldKey === undefined ? [] : [{ op: 'delete', key: oldKey } as const]),
    ],
  };
};

/** Writes all of them in one txn, or none. */
export const commitRequests = async (cloud: Cloud, planned: readonly PlannedRequest[]): Promise<CommitResult> => {
  const [first, ...rest] = planned.flatMap(({ writes }) => writes);
  if (first?.op !== 'put') throw new Error('there is no request to write');
  return commit({
    store: await cloud.store(),
    guards: planned.flatMap(({ guards }) => guards),
    writes: [first, ...rest],
    patienceMs: 2 * cloud.config.etcd.timeout * 1000,
  });
};
