import type { HostFindingKind } from '@etcd-compute/common/etcd/messages/host-audit';
import type { Finding } from './finding.js';
import type { World } from './world.js';

export interface KeepGuestsOptions {
  readonly world: Pick<World, 'reports' | 'recordAt'>;
  readonly graceSeconds: number;
  /** A person has said so. */
  readonly isRemovingGuests: boolean;
}

const ALLOCATION: HostFindingKind = 'allocation-without-request';
const GUEST: readonly string[] = [
  'domain-without-request',
  'disk-without-request',
] satisfies readonly HostFindingKind[];

/**
 * Boot requests are missing too when etcd was restored from a backup, or emptied. So a guest is removed only when a person says so
 * explicitly, and its room in Placement is released only where its host's agent has looked and found no guest. Pure.
 */
export const keepGuests = (findings: readonly Finding[], options: KeepGuestsOptions): Finding[] => {
  const guests = new Set(findings.filter(({ kind }) => GUEST.includes(kind)).map((finding) => placeOf(finding)));
  return findings.map((finding) => {
    const { mend, instance } = finding;
    if (mend.by === 'release' && !isFree(finding, options))
      return {
        ...finding,
        mend: {
          by: 'person',
          hint: `kept: its host's agent has not reported that no guest is there; it then releases it by itself. If the host is gone for good: openstack resource provider allocation delete ${instance}`,
        },
      };
    if (mend.by === 'wish' && guests.has(placeOf(finding)) && !options.isRemovingGuests)
      return {
        ...finding,
        mend: {
          by: 'person',
          hint: 'kept: its boot request may have been lost with a restored etcd; to destroy it with its disk: --fix --remove-guests',
        },
      };
    return finding;
  });
};

const placeOf = ({ instance, host }: Finding): string => `${instance} ${host}`;

/** Whether it is certain that no guest uses the room that is allocated. */
const isFree = (
  { instance, host, since }: Finding,
  { world: { reports, recordAt }, graceSeconds }: KeepGuestsOptions,
): boolean => {
  if (instance === null || host === null || since === null) return false;
  const record = recordAt(host, instance)?.value;
  const state = record === 'not-understood' ? undefined : record?.state;
  if (state === 'deleted' || state === 'shelved') return true;
  const report = reports.get(host)?.value;
  if (report === undefined || report === 'not-understood') return false;
  // In the time of grace, the guest may still have been to come.
  if (Date.parse(report.at) < since.getTime() + graceSeconds * 1000) return false;
  const kinds = report.findings.filter((one) => one.instance === instance).map(({ kind }) => kind);
  return kinds.includes(ALLOCATION) && !kinds.some((kind) => GUEST.includes(kind));
};
