import type { Keys } from '@etcd-compute/common/etcd/keys';
import {
  hostAuditSchema,
  MAX_FINDINGS,
  type HostAudit,
  type HostFinding,
} from '@etcd-compute/common/etcd/messages/host-audit';
import type { Entry, Store } from '@etcd-compute/common/etcd/store';
import { parseJson } from '@etcd-compute/common/parse-json';
import type { ProviderUuid, SessionUuid } from '@etcd-compute/common/ids';
import type { Fence } from '../session/fence.js';
import type { Finding } from './audit.js';

/** Written this often even when nothing changes: its age shows whether the audits still run. */
const BEAT_MS = 10 * 60_000;

export interface HostReportDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly session: SessionUuid;
  /** An agent that was replaced can no longer report. */
  readonly fence: Fence;
  readonly now: () => number;
}

/**
 * Writes the findings of the audits into etcd, for `eschedule audit`. It compares them with the report there, so it also replaces what a person
 * or another session has written.
 *
 * @returns whether it wrote.
 */
export const publishFindings = async (deps: HostReportDeps, found: readonly Finding[]): Promise<boolean> => {
  const { store, keys, host, session, fence, now } = deps;
  const key = keys.audit(host);
  const entry = await store.get(key);
  const before = entry && readReport(entry);
  const findings = render(found, before);
  const isSame = before !== undefined && contentOf(before.findings) === contentOf(findings);
  const isYoung = before !== undefined && now() - Date.parse(before.at) < BEAT_MS;
  if (isSame && isYoung && before.session === session) return false;
  const at = new Date(now()).toISOString();
  const left_out = Math.max(0, found.length - MAX_FINDINGS);
  const report: HostAudit = { version: 1, host, session, at, findings, left_out };
  const { isCommitted } = await store.txn(
    [{ key, modRevision: entry?.modRevision ?? '0' }, fence.guard],
    [{ op: 'put', key, value: JSON.stringify(report) }],
  );
  return isCommitted;
};

/** A report of another version is replaced. */
const readReport = ({ value }: Entry): HostAudit | undefined => parseJson(hostAuditSchema, value);

const contentOf = (findings: readonly HostFinding[]): string =>
  JSON.stringify(findings.map(({ kind, instance, detail }) => [kind, instance, detail]));

/** In a stable order. A finding of an earlier session keeps its first time. */
const render = (found: readonly Finding[], before: HostAudit | undefined): HostFinding[] => {
  const idOf = ({ kind, instance }: { kind: string; instance: string }): string => `${kind} ${instance}`;
  const sinceBefore = new Map(before?.findings.map((finding) => [idOf(finding), finding.since]));
  return found
    .map(({ kind, instance, detail, since }) => {
      const known = sinceBefore.get(idOf({ kind, instance }));
      return { kind, instance, detail, since: known ?? new Date(since).toISOString() };
    })
    .toSorted((a, b) => idOf(a).localeCompare(idOf(b)))
    .slice(0, MAX_FINDINGS);
};
