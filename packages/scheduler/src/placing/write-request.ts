import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { GuestMembers } from '@etcd-compute/common/etcd/messages/guest-config';
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

export interface WriteRequestOptions {
  readonly cloud: Cloud;
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

const renderRecord = ({ spec, candidate, reason, failed }: WriteRequestOptions, now: Date): InstanceRecord => {
  const { host } = candidate;
  const resources = totalResources(candidate.request);
  if (!failed)
    return newRecord({ instance: spec.instance, host, name: spec.name, resources, image: spec.image, reason, now });
  const reset = { host, resources, session: null, step: null, fault: null, addresses: [], address_sources: null };
  return withState(failed.record, 'scheduled', { reason, now, ...reset });
};

/**
 * Writes the boot request and the instance record in one txn, which fails if anyone else wrote either. An instance that moves on
 * from a failed host leaves its old request in the same txn, so that it is never wished for on two hosts.
 */
export const writeRequest = async (
  options: WriteRequestOptions,
): Promise<{ result: CommitResult; record: InstanceRecord }> => {
  const { cloud, spec, candidate, hasRecord, failed } = options;
  const { keys, config } = cloud;
  const record = renderRecord(options, new Date());
  const requestKey = keys.request(candidate.host, spec.instance);
  const recordKey = keys.record(spec.instance);
  const oldKey = failed?.request && keys.request(failed.request.host, spec.instance);
  const guards: Guard[] = [
    { key: requestKey, modRevision: '0' },
    { key: recordKey, modRevision: failed?.recordRevision ?? '0' },
    ...(failed?.request && oldKey !== undefined ? [{ key: oldKey, modRevision: failed.request.revision }] : []),
  ];
  const rest: Write[] = [
    ...(hasRecord ? [{ op: 'put', key: recordKey, value: JSON.stringify(record) } as const] : []),
    ...(oldKey === undefined ? [] : [{ op: 'delete', key: oldKey } as const]),
  ];
  const put = { op: 'put', key: requestKey, value: JSON.stringify(renderRequest(spec, candidate.request)) } as const;
  const store = await cloud.store();
  const result = await commit({
    store,
    guards,
    writes: [put, ...rest],
    patienceMs: 2 * config.etcd.timeout * 1000,
  });
  return { result, record };
};
