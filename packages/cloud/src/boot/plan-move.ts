import type { Candidate, Claim } from '@etcd-compute/common/capacity/capacity';
import { totalResources } from '@etcd-compute/common/capacity/candidate';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { newLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { withState, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Guard, Write } from '@etcd-compute/common/etcd/store';
import { DEFAULT_PROJECT } from '@etcd-compute/common/ids';
import type { Movable } from './move-on.js';

export interface Destination {
  readonly candidate: Candidate;
  /** What takes its room. */
  readonly claims: readonly Claim[];
  /** What people call the host, if it is known. */
  readonly hostname: string | undefined;
}

export interface PlannedMove {
  readonly record: InstanceRecord;
  readonly guards: readonly Guard[];
  /** The first is the boot request, which nobody else would write. */
  readonly writes: readonly [Write & { op: 'put' }, ...Write[]];
}

/** A reason may quote what a server said, and all of them stand in the request. */
const MAX_REASON = 200;

/** One txn that moves an instance on to another host; all that people have asked of it meanwhile goes along. Pure. */
export const planMove = (keys: Keys, movable: Movable, { candidate, claims, hostname }: Destination): PlannedMove => {
  const { instance, host, requestRevision, record, recordKey, recordRevision, locationRevision } = movable;
  const reason = record.fault?.message ?? 'no reason was given';
  const request = moveRequest(movable, { candidate, reason: reason.slice(0, MAX_REASON) });
  const moved = withState(record, 'scheduled', {
    reason: `moved on to ${hostname ?? candidate.host} after a failed build: ${reason}`,
    now: new Date(),
    host: candidate.host,
    resources: totalResources(candidate.allocations),
    attempts_left: request.retry.attempts_left,
    session: null,
    step: null,
    fault: null,
    addresses: [],
    address_sources: null,
  });
  const location = movable.location
    ? { ...movable.location, host: candidate.host }
    : newLocation({ ...record, host: candidate.host, project: record.project ?? DEFAULT_PROJECT });
  const put = (key: string, value: unknown): Write & { op: 'put' } => ({
    op: 'put',
    key,
    value: JSON.stringify(value),
  });
  const [requestKey, reportKey] = [keys.request(candidate.host, instance), keys.report(candidate.host, instance)];
  const old: Guard[] = [
    { key: keys.request(host, instance), modRevision: requestRevision },
    { key: recordKey, modRevision: recordRevision },
  ];
  return {
    record: moved,
    guards: [
      { key: requestKey, modRevision: '0' },
      { key: reportKey, modRevision: '0' },
      { key: keys.location(instance), modRevision: locationRevision },
      ...old,
      ...claims.flatMap(({ guards }) => guards),
    ],
    writes: [
      put(requestKey, request),
      put(reportKey, moved),
      put(keys.location(instance), location),
      ...old.map(({ key }): Write => ({ op: 'delete', key })),
      ...claims.flatMap(({ writes }) => writes),
    ],
  };
};

const moveRequest = (
  { request, retry, host }: Movable,
  { candidate: { allocations, mappings }, reason }: { candidate: Candidate; reason: string },
): BootRequest & { retry: Movable['retry'] } => {
  const { mappings: _mappings, ...others } = request;
  return {
    ...others,
    allocations,
    ...(mappings !== undefined && { mappings }),
    consumer_generation: null,
    retry: {
      ...retry,
      attempts_left: retry.attempts_left - 1,
      failed_hosts: [...retry.failed_hosts, { host, reason }],
    },
  };
};
