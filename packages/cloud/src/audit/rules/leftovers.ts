import { HOST_FINDING_KINDS, LEFTOVER_KINDS } from '@etcd-compute/common/etcd/messages/host-audit';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Finding, Mend } from '../finding.js';
import { NOTHING_MORE, type Rule, type World } from '../world.js';

const LEFTOVERS: readonly string[] = LEFTOVER_KINDS;
/** Kinds that the audit sees for itself, and newer than the agents. */
const SEEN_HERE: readonly string[] = HOST_FINDING_KINDS.filter((kind) => !LEFTOVERS.includes(kind));

/** What only the agents can see. A report may be outdated: what has a request by now is no leftover any more. */
export const findLeftovers: Rule = (world) =>
  [...world.reports].flatMap(([host, { value: report }]) => {
    if (report === 'not-understood' || !world.hasHost(host)) return [];
    return report.findings
      .filter(({ kind, instance }) => !SEEN_HERE.includes(kind) && !world.requestAt(host, instance))
      .map(({ kind, instance, detail, since }) => ({
        kind,
        instance,
        host,
        detail,
        since: parseTime(since),
        reportedAt: parseTime(report.at),
        evidence: since,
        mend: mendLeftover(world, { kind, instance, host }),
      }));
  });

const parseTime = (text: string): Date | null => {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? null : time;
};

const mendLeftover = (
  world: World,
  { kind, instance, host }: { kind: string; instance: InstanceUuid; host: ProviderUuid },
): Mend => {
  if (!LEFTOVERS.includes(kind)) return { by: 'person', hint: 'see the log of the agent, which is newer than this' };
  const record = world.recordAt(host, instance);
  const key = record?.key ?? world.keys.report(host, instance);
  const live = world.liveRecord(instance);
  if (live === 'not-understood') return { by: 'person', hint: `look at it with: etcdctl get ${key}` };
  if (live && live.host !== host)
    return {
      by: 'person',
      hint: `the instance lives on host ${live.host}: remove what is left of it here with virsh, or set audit.remove_orphan_domains for a while`,
    };
  return { by: 'wish', guard: { key, modRevision: record?.modRevision ?? '0' } };
};

export const findReports: Rule = (world) =>
  [...world.reports].flatMap(([host, { modRevision }]): Finding[] => {
    const isNamed = world.requests.some((request) => request.host === host);
    if (world.hasHost(host) || isNamed) return [];
    const key = world.keys.audit(host);
    return [
      {
        ...NOTHING_MORE,
        kind: 'report-without-host',
        instance: null,
        host,
        detail: `at ${key}; the host is not in Placement, and has no agent`,
        evidence: modRevision,
        mend: { by: 'delete', keys: [key], guards: [{ key, modRevision }] },
      },
    ];
  });
