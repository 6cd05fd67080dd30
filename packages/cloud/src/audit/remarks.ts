import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { HostNames } from '../hosts/host-names.js';
import type { Found } from './find.js';

interface OfHost {
  readonly host: ProviderUuid;
  readonly hostName: string | null;
}

/** What the reader of an audit should know to trust it. */
export type AuditRemark =
  /** What it holds is known as of then: an ISO time, or null where it never reported. */
  | ({ readonly kind: 'agent-down'; readonly asOf: string | null } & OfHost)
  | ({ readonly kind: 'not-reported' } & OfHost)
  /** Its agent found so many more than it reported. */
  | ({ readonly kind: 'left-out'; readonly count: number } & OfHost)
  /** Records stand where version 1 has them: its agent moves them when it is upgraded. */
  | ({ readonly kind: 'old-records' } & OfHost)
  /** So many allocations without a request are too young to be judged. */
  | { readonly kind: 'young'; readonly count: number }
  | { readonly kind: 'not-understood'; readonly error: Error };

export interface RemarkOptions {
  /** Undefined is all. */
  readonly host: ProviderUuid | undefined;
  readonly hostNames: HostNames;
  /** Whether the record is still at its place of version 1. */
  readonly isOldKey: (key: string) => boolean;
}

export const remarksOn = (
  { seen, young }: Found,
  { host: only, hostNames, isOldKey }: RemarkOptions,
): AuditRemark[] => {
  const { presences, reports, providers, problems } = seen;
  const of = (host: ProviderUuid): OfHost => ({ host, hostName: hostNames(host) });
  const remarks: AuditRemark[] = [];
  for (const host of new Set([...reports.keys(), ...presences.keys()])) {
    if ((only !== undefined && host !== only) || !(providers.has(host) || presences.has(host))) continue;
    const value = reports.get(host)?.value;
    const report = value === 'not-understood' ? undefined : value;
    if (!presences.has(host)) remarks.push({ kind: 'agent-down', ...of(host), asOf: report?.at ?? null });
    else if (!report) remarks.push({ kind: 'not-reported', ...of(host) });
    if (report && report.left_out > 0) remarks.push({ kind: 'left-out', ...of(host), count: report.left_out });
  }
  const old = seen.records.filter(({ host, key }) => (only === undefined || host === only) && isOldKey(key));
  for (const host of new Set(old.map((record) => record.host))) remarks.push({ kind: 'old-records', ...of(host) });
  if (young > 0) remarks.push({ kind: 'young', count: young });
  return [...remarks, ...problems.map((error): AuditRemark => ({ kind: 'not-understood', error }))];
};
