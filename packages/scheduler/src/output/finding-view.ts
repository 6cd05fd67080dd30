import type { AuditedFinding } from '@etcd-compute/cloud/audit/audit';
import type { Mend } from '@etcd-compute/cloud/audit/finding';

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
  readonly state: 'found' | 'fixed' | 'asked' | 'failed';
  /** What `--fix` would do, what it did, or what is to be done. */
  readonly remedy: string;
}

const REMEDIES: Readonly<Record<Exclude<Mend['by'], 'person'>, string>> = {
  release: '--fix releases it',
  allocate: '--fix allocates again when there is room',
  wish: '--fix asks its agent to remove it',
  delete: '--fix removes the keys',
  name: '--fix gives the name back',
  'forget-copy': '--fix has its host forget it',
  'move-on': '--fix moves it on to another host',
};

const remedyOf = ({ kind, instance, mend }: AuditedFinding): string => {
  if (mend.by !== 'person') return REMEDIES[mend.by];
  return kind === 'request-without-host' ? `${mend.hint}: eschedule destroy --force ${instance}` : mend.hint;
};

export const viewOfFinding = (finding: AuditedFinding): FindingView => {
  const { kind, instance, host, hostName, agent, detail, since, reportedAt, mended, mend } = finding;
  return {
    kind,
    instance,
    host,
    hostName,
    agent,
    detail,
    since: since?.toISOString() ?? null,
    reportedAt: reportedAt?.toISOString() ?? null,
    state: mended?.state ?? 'found',
    remedy: mended && mend.by !== 'person' ? mended.words : remedyOf(finding),
  };
};
