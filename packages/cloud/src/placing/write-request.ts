import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { FurtherDisk } from '@etcd-compute/common/etcd/messages/disks';
import type { WantedNic } from '@etcd-compute/common/etcd/messages/nics';
import type { GuestMembers } from '@etcd-compute/common/etcd/messages/guest-config';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import { newLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { renderHolder } from '@etcd-compute/common/etcd/messages/name-holder';
import { newRecord, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Retry } from '@etcd-compute/common/etcd/messages/retry';
import type { SnapshotSource } from '@etcd-compute/common/etcd/messages/snapshot';
import type { Guard, Write } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';
import { totalResources } from '@etcd-compute/common/capacity/candidate';
import type { Candidate, Claim } from '@etcd-compute/common/capacity/capacity';
import { commit, type CommitResult } from '../commit.js';
import type { PlanAlong } from './along.js';

/** What a person asked for, before it has a host. */
export interface InstanceSpec {
  readonly instance: InstanceUuid;
  readonly name: string | null;
  readonly image: string;
  /** Of what the image's URL gives. */
  readonly checksum?: string | undefined;
  /** Empty ones beside the root disk. */
  readonly disks?: readonly FurtherDisk[];
  /** Where the image is, when it is a snapshot. */
  readonly imageSource?: SnapshotSource | undefined;
  /** Undefined: those that its host gives to every guest. */
  readonly nics?: readonly WantedNic[] | undefined;
  /** What the guest is told. Holds secrets: never logged. */
  readonly guest?: GuestMembers;
  readonly user: string;
  readonly project: string;
  /** How it goes on when its host cannot build it. */
  readonly retry: Retry;
  /** What must not have changed for it to have its name; nothing when it has none. */
  readonly nameGuards: readonly Guard[];
  /** What is written together with it. Such instances are placed one by one. */
  readonly along?: PlanAlong | undefined;
}

export interface PlanOptions {
  readonly keys: Keys;
  readonly spec: InstanceSpec;
  readonly candidate: Candidate;
  /** Words for the record's transition. */
  readonly reason: string;
  /** False where no agent of ours would ever update the record. */
  readonly hasRecord: boolean;
}

/** The original's members, then ours. An agent of the original reads the first and passes over the rest. */
export const renderRequest = (
  spec: InstanceSpec,
  { allocations, mappings }: Pick<Candidate, 'allocations' | 'mappings'>,
): BootRequest => ({
  allocations,
  ...(mappings !== undefined && { mappings }),
  user_id: spec.user,
  project_id: spec.project,
  consumer_generation: null,
  instance: spec.instance,
  image: spec.image,
  version: 1,
  ...(spec.name !== null && { name: spec.name }),
  ...(spec.imageSource && { image_source: spec.imageSource }),
  ...(spec.checksum !== undefined && { image_checksum: spec.checksum }),
  ...(spec.nics && { nics: [...spec.nics] }),
  ...(spec.disks && spec.disks.length > 0 && { disks: [...spec.disks] }),
  retry: spec.retry,
  ...spec.guest,
});

const renderRecord = ({ spec, candidate: { host, allocations }, reason }: PlanOptions, now: Date): InstanceRecord =>
  newRecord({
    ...spec,
    host,
    resources: totalResources(allocations),
    attemptsLeft: spec.retry.attempts_left,
    reason,
    now,
  });

export interface PlannedRequest {
  readonly guards: readonly Guard[];
  /** The first is the boot request, which nobody else would write. */
  readonly writes: readonly [Write & { op: 'put' }, ...Write[]];
  readonly record: InstanceRecord;
}

/**
 * The boot request, the instance record, its location and its name, to be written in one txn, which fails if anyone else wrote one of
 * them.
 */
export const planRequest = (options: PlanOptions): PlannedRequest => {
  const { keys, spec, candidate, hasRecord } = options;
  const { instance } = spec;
  const { host } = candidate;
  const record = renderRecord(options, new Date());
  const [requestKey, recordKey] = [keys.request(host, instance), keys.report(host, instance)];
  const put = (key: string, value: unknown): Write & { op: 'put' } => ({
    op: 'put',
    key,
    value: JSON.stringify(value),
  });
  const request = put(requestKey, renderRequest(spec, candidate));
  const isNew = { key: requestKey, modRevision: '0' };
  // An agent of the original has no use for the rest.
  if (!hasRecord) return { record, guards: [isNew], writes: [request] };
  const locationKey = keys.location(instance);
  const { name } = spec;
  return {
    record,
    guards: [isNew, { key: recordKey, modRevision: '0' }, { key: locationKey, modRevision: '0' }, ...spec.nameGuards],
    writes: [
      request,
      put(recordKey, record),
      put(locationKey, newLocation({ ...spec, host, created_at: record.created_at })),
      { op: 'put', key: keys.name(spec.project, name ?? instance), value: renderHolder(instance) },
    ],
  };
};

/** Writes all of them in one txn with the room that they take, or none. */
export const commitRequests = async (
  services: Services,
  planned: readonly PlannedRequest[],
  claim: Claim,
): Promise<CommitResult> => {
  const [first, ...rest] = planned.flatMap(({ writes }) => writes);
  if (first?.op !== 'put') throw new Error('there is no request to write');
  return commit({
    store: await services.store(),
    guards: [...planned.flatMap(({ guards }) => guards), ...claim.guards],
    writes: [first, ...rest, ...claim.writes],
    patienceMs: services.patienceMs,
  });
};
