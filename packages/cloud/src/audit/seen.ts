import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { Ending } from '@etcd-compute/common/etcd/messages/ending';
import type { HostAudit } from '@etcd-compute/common/etcd/messages/host-audit';
import type { InstanceLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { NameHolder } from '@etcd-compute/common/etcd/messages/name-holder';
import type { Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Held } from '@etcd-compute/common/capacity/capacity';
import type { Presences } from '../hosts/presences.js';

/** A value of etcd. One that is not understood still means something, and is never touched. */
export interface Stored<T> {
  readonly value: T | 'not-understood';
  readonly modRevision: string;
}

export interface StoredRequest extends Stored<BootRequest> {
  readonly host: ProviderUuid;
  readonly instance: InstanceUuid;
}

export interface StoredRecord extends Stored<InstanceRecord> {
  readonly host: ProviderUuid;
  readonly instance: InstanceUuid;
  /** Below its host, or where version 1 had it. */
  readonly key: string;
}

export interface StoredCopy extends Stored<Snapshot> {
  readonly host: ProviderUuid;
  readonly project: string;
}

export interface StoredLocation extends Stored<InstanceLocation> {
  /** The instance is gone, and its books are closed. */
  readonly isLeased: boolean;
}

export interface StoredName extends Stored<NameHolder> {
  readonly project: string;
  readonly name: string;
}

/** All that there is, as far as an audit is concerned, without what only guests are told. */
export interface Seen {
  readonly presences: Presences;
  /** What the agents report of their own audits. */
  readonly reports: ReadonlyMap<ProviderUuid, Stored<HostAudit>>;
  readonly requests: readonly StoredRequest[];
  readonly records: readonly StoredRecord[];
  readonly locations: ReadonlyMap<InstanceUuid, StoredLocation>;
  readonly names: readonly StoredName[];
  readonly endings: ReadonlyMap<InstanceUuid, Stored<Ending>>;
  /** The revisions of `/booted`. */
  readonly booted: ReadonlyMap<InstanceUuid, string>;
  /** Names of the providers in Placement. */
  readonly providers: ReadonlyMap<ProviderUuid, string>;
  /** The consumers with allocations on the hosts that etcd knows. */
  readonly holders: ReadonlyMap<ProviderUuid, readonly InstanceUuid[]>;
  /** What those hold that have no request, or are shelved. */
  readonly orphans: ReadonlyMap<InstanceUuid, Held>;
  readonly placementTime: Date | undefined;
  /** The copies of shelved instances that hosts hold. */
  readonly copies: readonly StoredCopy[];
  /** Values that are not understood. */
  readonly problems: readonly Error[];
}
