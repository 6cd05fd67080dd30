import type { ReportedNic } from '@etcd-compute/common/etcd/messages/nics';
import { canMoveOn, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';

/** What servers show of the record of an instance: a small part of it. */
export interface Report extends Pick<
  InstanceRecord,
  'instance' | 'host' | 'state' | 'paused' | 'fault' | 'wish_count' | 'outcomes' | 'addresses' | 'updated_at'
> {
  readonly nics: readonly Pick<ReportedNic, 'network' | 'mac' | 'address'>[];
  readonly step: string | null;
  /** Its host could not build it, and another one may. */
  readonly canMoveOn: boolean;
}

export const reportOf = (record: InstanceRecord): Report => ({
  instance: record.instance,
  host: record.host,
  state: record.state,
  paused: record.paused,
  fault: record.fault,
  wish_count: record.wish_count,
  outcomes: record.outcomes,
  addresses: record.addresses,
  updated_at: record.updated_at,
  nics: (record.nics ?? []).map(({ network, mac = null, address }) => ({
    network,
    mac,
    ...(address !== undefined && { address }),
  })),
  step: record.step?.name ?? null,
  canMoveOn: canMoveOn(record),
});
