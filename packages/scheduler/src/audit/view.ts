import type { HostNames } from '../hosts/host-names.js';
import type { Presences } from '../hosts/presences.js';
import { identityOf, type Finding, type Mend } from './finding.js';
import type { Mended } from './mend.js';

/** A finding as `-o json` shows it. Scripts rely on every name in it. */
export interface FindingView {
  readonly kind: string;
  readonly instance: string | null;
  readonly host: string | null;
  readonly hostName: string | null;
  /** Whether the host's agent is there; null where there is no host. */
  readonly agent: 'up' | 'draining' | 'down' | null;
  readonly detail: string;
  readonly since: string | null;
  /** When its agent has looked; null for what `eschedule` sees for itself. */
  readonly reportedAt: string | null;
  readonly state: 'found' | Mended['state'];
  /** What `--fix` would do, what it did, or what is to be done. */
  readonly remedy: string;
}

const REMEDIES: Readonly<Record<Exclude<Mend['by'], 'person'>, string>> = {
  release: '--fix releases it',
  allocate: '--fix allocates again when there is room',
  wish: '--fix asks its agent to remove it',
  delete: '--fix removes the keys',
  name: '--fix gives the name back',
};

const remedyOf = ({ mend }: Finding): string => (mend.by === 'person' ? mend.hint : REMEDIES[mend.by]);

export interface ViewOptions {
  readonly presences: Presences;
  readonly hostNames: HostNames;
  /** By identity; empty when nothing was to be mended. */
  readonly mended: ReadonlyMap<string, Mended>;
}

export const viewOfFinding = (finding: Finding, { presences, hostNames, mended }: ViewOptions): FindingView => {
  const { kind, instance, host, detail, since, reportedAt } = finding;
  const done = mended.get(identityOf(finding));
  return {
    kind,
    instance,
    host,
    hostName: host === null ? null : hostNames(host),
    agent: host === null ? null : (presences.get(host)?.state ?? 'down'),
    detail,
    since: since?.toISOString() ?? null,
    reportedAt: reportedAt?.toISOString() ?? null,
    state: done?.state ?? 'found',
    remedy: done?.words ?? remedyOf(finding),
  };
};
