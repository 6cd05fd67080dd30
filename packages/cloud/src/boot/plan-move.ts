import type { Candidate, Claim } from '@etcd-compute/common/capacity/capacity';
import { totalResources } from '@etcd-compute/common/capacity/candidate';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { newLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { withState, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Guard, Write } from '@etcd-compute/common/etcd/store';
import { DEFAULT_PROJECT } from '@etcd-compute/common/ids';
import type { Relocation } from './relocate.js';

export interface Destination {
  readonly candidate: Candidate;
  /** What takes its room. */
  readonly claim: Claim;
  /** What people call the host, if it is known. */
  readonly hostname: string | undefined;
}

export interface PlannedMove {
  readonly record: InstanceRecord;
  readonly guards: readonly Guard[];
  /** The first is the boot request, which nobody else would write. */
  readonly writes: readonly [Write & { op: 'put' }, ...Write[]];
}

/** One txn that moves an instance to another host, or to its own again; all that people have asked of it meanwhile goes along. Pure. */
export const planMove = (
  keys: Keys,
  { entry, request, changes, reason }: Pick<Relocation, 'entry' | 'request' | 'changes' | 'reason'>,
  { candidate, claim, hostname }: Destination,
): PlannedMove => {
  const { instance, host, requestRevision, record, recordKey, recordRevision, locationRevision } = entry;
  const moved = withState(record, 'scheduled', {
    reason: reason(hostname ?? candidate.host),
    now: new Date(),
    host: candidate.host,
    resources: totalResources(candidate.allocations),
    session: null,
    step: null,
    fault: null,
    addresses: [],
    address_sources: null,
    ...changes,
  });
  const location = entry.location
    ? { ...entry.location, host: candidate.host }
    : newLocation({ ...record, host: candidate.host, project: record.project ?? DEFAULT_PROJECT });
  const put = (key: string, value: unknown): Write & { op: 'put' } => ({
    op: 'put',
    key,
    value: JSON.stringify(value),
  });
  const requestKey = keys.request(candidate.host, instance);
  const fresh = [requestKey, keys.report(candidate.host, instance)];
  const [, reportKey = ''] = fresh;
  const old: Guard[] = [
    { key: keys.request(host, instance), modRevision: requestRevision },
    { key: recordKey, modRevision: recordRevision },
  ];
  return {
    record: moved,
    guards: [
      ...fresh.filter((key) => !old.some((guard) => guard.key === key)).map((key) => ({ key, modRevision: '0' })),
      { key: keys.location(instance), modRevision: locationRevision },
      ...old,
      ...claim.guards,
    ],
    writes: [
      put(requestKey, allocateOn(request, candidate)),
      put(reportKey, moved),
      put(keys.location(instance), location),
      ...old.filter(({ key }) => !fresh.includes(key)).map(({ key }): Write => ({ op: 'delete', key })),
      ...claim.writes,
    ],
  };
};

const allocateOn = (
  { mappings: _mappings, ...request }: BootRequest,
  { allocations, mappings }: Candidate,
): BootRequest => ({
  ...request,
  allocations,
  ...(mappings !== undefined && { mappings }),
  consumer_generation: null,
});
