import type { HostFindingKind } from '@etcd-compute/common/etcd/messages/host-audit';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { DiskCopy } from '@etcd-compute/common/etcd/messages/shelved';
import type { Guard } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Held } from '@etcd-compute/common/capacity/capacity';

/** What an audit of the cloud finds beside what the agents do. */
export type CloudFindingKind =
  | 'failed-build'
  | 'copy-without-use'
  | 'record-without-request'
  | 'address-without-instance'
  | 'location-without-instance'
  | 'name-without-instance'
  | 'instance-without-name'
  | 'ending-without-instance'
  | 'request-without-host'
  | 'report-without-host';

export interface Finding {
  /** A `string` is what a newer agent knows. */
  readonly kind: HostFindingKind | CloudFindingKind | (string & {});
  readonly instance: InstanceUuid | null;
  readonly host: ProviderUuid | null;
  readonly detail: string;
  readonly since: Date | null;
  /** Of what an agent found: when it looked. */
  readonly reportedAt: Date | null;
  /** What the finding is based on: a second look must find it by the same. */
  readonly evidence: string;
  readonly mend: Mend;
}

/** How it is mended, and what must not have changed meanwhile. */
export type Mend =
  | { readonly by: 'release'; readonly held: Held }
  | { readonly by: 'allocate'; readonly request: BootRequest; readonly requestRevision: string }
  /** The host's agent removes all that it has of the instance, as for any destroy. */
  | { readonly by: 'wish'; readonly guard: Guard }
  | { readonly by: 'delete'; readonly keys: readonly string[]; readonly guards: readonly Guard[] }
  /** The instance gets its name back, which is free. */
  | { readonly by: 'name'; readonly key: string; readonly guards: readonly Guard[] }
  /** The host's agent forgets a copy of a disk. */
  | { readonly by: 'forget-copy'; readonly copy: DiskCopy; readonly project: string }
  /** Another host may build the instance. */
  | { readonly by: 'move-on' }
  /** Nothing is safe to do without a person; this tells them what to do. */
  | { readonly by: 'person'; readonly hint: string };

/** One and the same thing, however often it is looked at. */
export const identityOf = ({ kind, instance, host, mend }: Finding): string =>
  [kind, instance, host, ...(mend.by === 'forget-copy' ? [mend.copy.source.id] : [])].join(' ');
