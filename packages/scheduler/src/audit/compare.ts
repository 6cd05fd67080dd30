import { isLive, isOurConsumerType, needsAllocation } from '@etcd-compute/common/audit/rules';
import { isDestroyWish } from '@etcd-compute/common/etcd/messages/boot-request';
import { HOST_FINDING_KINDS, LEFTOVER_KINDS } from '@etcd-compute/common/etcd/messages/host-audit';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Guard } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Finding, Mend } from './finding.js';
import { keepGuests } from './keep-guests.js';
import type { Seen, StoredRequest } from './observe.js';

export interface CompareOptions {
  readonly keys: Keys;
  /** Younger allocations are those of boots at work. */
  readonly graceSeconds: number;
  /** Whether guests without a boot request are to be removed. */
  readonly isRemovingGuests: boolean;
}

export interface Comparison {
  readonly findings: readonly Finding[];
  /** Allocations without a request that are too young to be judged. */
  readonly young: number;
}

/** What one look shows that does not fit together. Pure. */
export const compare = (seen: Seen, options: CompareOptions): Comparison => {
  const view = createView(seen, options.keys);
  const leftovers = findLeftovers(view);
  const wished = new Map(
    leftovers.flatMap(({ mend, instance, host }) =>
      mend.by === 'wish' && instance !== null ? [[instance, { mend, host }] as const] : [],
    ),
  );
  const { findings: allocations, young } = findAllocations(view, options.graceSeconds);
  const rest = [...allocations, ...findRequests(view), ...findRecords(view), ...findAddresses(view)];
  const findings = [
    ...leftovers,
    // The agent's delete takes the instance's allocation, record and address along.
    ...rest.map((finding) => {
      const wish = finding.instance === null ? undefined : wished.get(finding.instance);
      return wish && wish.host === finding.host ? { ...finding, mend: wish.mend } : finding;
    }),
    ...findReports(view),
  ];
  return { young, findings: keepGuests(findings, { seen, ...options }) };
};

interface View extends Seen {
  readonly keys: Keys;
  readonly requestsOf: ReadonlyMap<InstanceUuid, readonly StoredRequest[]>;
  readonly hasHost: (host: ProviderUuid) => boolean;
  readonly liveRecord: (instance: InstanceUuid) => InstanceRecord | 'not-understood' | undefined;
}

const createView = (seen: Seen, keys: Keys): View => {
  const requestsOf = new Map<InstanceUuid, StoredRequest[]>();
  for (const request of seen.requests)
    requestsOf.set(request.instance, [...(requestsOf.get(request.instance) ?? []), request]);
  return {
    ...seen,
    keys,
    requestsOf,
    hasHost: (host) => seen.providers.has(host) || seen.presences.has(host),
    liveRecord: (instance) => {
      const value = seen.records.get(instance)?.value;
      return value === 'not-understood' || isLive(value) ? value : undefined;
    },
  };
};

const NOTHING_MORE = { since: null, reportedAt: null };

const findAllocations = (view: View, graceSeconds: number): { findings: Finding[]; young: number } => {
  const findings: Finding[] = [];
  let young = 0;
  const isOurHost = (host: ProviderUuid): boolean => view.presences.has(host) || view.reports.has(host);
  for (const [instance, held] of view.orphans) {
    const record = view.records.get(instance);
    const host = [...view.holders].find(([, holders]) => holders.includes(instance))?.[0];
    const isOurs =
      record !== undefined || [...view.holders].some(([on, all]) => isOurHost(on) && all.includes(instance));
    if (host === undefined || !isOurs || !isOurConsumerType(held.consumer_type)) continue;
    const ageSeconds = ((view.placementTime?.getTime() ?? NaN) - (held.since?.getTime() ?? NaN)) / 1000;
    if (ageSeconds < graceSeconds) {
      young += 1;
      continue;
    }
    findings.push({
      ...NOTHING_MORE,
      kind: 'allocation-without-request',
      instance,
      host,
      detail: `it holds ${describe(held.allocations)}`,
      since: held.since ?? null,
      evidence: `${held.consumer_generation} ${held.since?.toISOString()}`,
      mend: Number.isNaN(ageSeconds)
        ? { by: 'person', hint: 'Placement does not tell how old it is; the agent of its host releases it' }
        : { by: 'release', held },
    });
  }
  return { findings, young };
};

/** `VCPU 1, MEMORY_MB 256`. */
const describe = (allocations: Readonly<Record<string, { resources: Readonly<Record<string, number>> }>>): string =>
  Object.values(allocations)
    .flatMap(({ resources }) => Object.entries(resources).map(([name, amount]) => `${name} ${amount}`))
    .join(', ');

const findRequests = (view: View): Finding[] =>
  view.requests.flatMap((request): Finding[] => {
    const { host, instance, value, modRevision } = request;
    if (!view.hasHost(host)) return [withoutHost(view, request)];
    const record = view.records.get(instance)?.value;
    if (value === 'not-understood' || record === 'not-understood' || !view.providers.has(host)) return [];
    if (!needsAllocation(value, record, host) || view.holders.get(host)?.includes(instance)) return [];
    return [
      {
        ...NOTHING_MORE,
        kind: 'request-without-allocation',
        instance,
        host,
        detail: `Placement counts its room as free: ${describe(value.allocations)}`,
        evidence: modRevision,
        mend: { by: 'allocate', request: value, requestRevision: modRevision },
      },
    ];
  });

/** A request is taken away only where nothing tells that an agent of the host ever had the instance: its disk may be there. */
const withoutHost = (view: View, { host, instance, value, modRevision }: StoredRequest): Finding => {
  const record = view.records.get(instance);
  const isClaimed = record !== undefined && (record.value === 'not-understood' || record.value.session !== null);
  const isKept = value === 'not-understood' || (!isDestroyWish(value) && (isClaimed || view.reports.has(host)));
  const key = view.keys.request(host, instance);
  const isRecordOfHost = record !== undefined && record.value !== 'not-understood' && record.value.host === host;
  return {
    ...NOTHING_MORE,
    kind: 'request-without-host',
    instance,
    host,
    detail: 'its host is not in Placement, and has no agent',
    evidence: `${modRevision} ${record?.modRevision}`,
    mend: isKept
      ? {
          by: 'person',
          hint: `start the agent of its host; if the host is gone for good: eschedule destroy --force ${instance}`,
        }
      : deletion(view, {
          instance,
          keys: [key, ...(isRecordOfHost ? [view.keys.record(instance)] : [])],
          guards: [{ key, modRevision }],
        }),
  };
};

/** Keys of an instance, with its address: guarded by the revisions that were seen. */
const deletion = (
  view: View,
  { instance, keys, guards }: { instance: InstanceUuid; keys: readonly string[]; guards: readonly Guard[] },
): Mend => {
  const key = view.keys.record(instance);
  return {
    by: 'delete',
    keys: [...keys, view.keys.booted(instance)],
    guards: [...guards, { key, modRevision: view.records.get(instance)?.modRevision ?? '0' }],
  };
};

const findRecords = (view: View): Finding[] =>
  [...view.records].flatMap(([instance, { value, modRevision }]): Finding[] => {
    if (value === 'not-understood' || !isLive(value)) return [];
    const requests = view.requestsOf.get(instance) ?? [];
    const { host, state } = value;
    if (requests.some((request) => request.host === host)) return [];
    const [astray] = requests;
    return [
      {
        ...NOTHING_MORE,
        kind: 'record-without-request',
        instance,
        host,
        detail: `the record says ${state}`,
        evidence: modRevision,
        mend: astray
          ? {
              by: 'person',
              hint: `its request is at host ${astray.host}: look with etcdctl at ${view.keys.request(astray.host, instance)} and ${view.keys.record(instance)}, and remove the one that is wrong`,
            }
          : deletion(view, {
              instance,
              keys: [view.keys.record(instance)],
              guards: [{ key: view.keys.request(host, instance), modRevision: '0' }],
            }),
      },
    ];
  });

const findAddresses = (view: View): Finding[] =>
  [...view.booted].flatMap(([instance, modRevision]): Finding[] => {
    if (view.requestsOf.has(instance) || view.liveRecord(instance)) return [];
    const key = view.keys.booted(instance);
    const mend = deletion(view, { instance, keys: [], guards: [{ key, modRevision }] });
    return [
      {
        ...NOTHING_MORE,
        kind: 'address-without-instance',
        instance,
        host: null,
        detail: `at ${key}`,
        evidence: modRevision,
        mend,
      },
    ];
  });

const LEFTOVERS: readonly string[] = LEFTOVER_KINDS;
/** Kinds that eschedule sees for itself, and newer than the agents. */
const SEEN_HERE: readonly string[] = HOST_FINDING_KINDS.filter((kind) => !LEFTOVERS.includes(kind));

/** What only the agents can see. A report may be older than what it reports on: what has a request by now is none any more. */
const findLeftovers = (view: View): Finding[] =>
  [...view.reports].flatMap(([host, { value: report }]) => {
    if (report === 'not-understood' || !view.hasHost(host)) return [];
    const requested = new Set(view.requests.filter((request) => request.host === host).map(({ instance }) => instance));
    return report.findings
      .filter(({ kind, instance }) => !SEEN_HERE.includes(kind) && !requested.has(instance))
      .map(({ kind, instance, detail, since }) => ({
        kind,
        instance,
        host,
        detail,
        since: parseTime(since),
        reportedAt: parseTime(report.at),
        evidence: since,
        mend: mendLeftover(view, { kind, instance, host }),
      }));
  });

const parseTime = (text: string): Date | null => {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? null : time;
};

const mendLeftover = (
  view: View,
  { kind, instance, host }: { kind: string; instance: InstanceUuid; host: ProviderUuid },
): Mend => {
  if (!LEFTOVERS.includes(kind)) return { by: 'person', hint: 'see the log of the agent, which is newer than this' };
  const live = view.liveRecord(instance);
  if (live === 'not-understood')
    return { by: 'person', hint: `look at it with: etcdctl get ${view.keys.record(instance)}` };
  if (live && live.host !== host)
    return {
      by: 'person',
      hint: `the instance lives on host ${live.host}: remove what is left of it here with virsh, or set audit.remove_orphan_domains for a while`,
    };
  return { by: 'wish', recordRevision: view.records.get(instance)?.modRevision ?? '0' };
};

const findReports = (view: View): Finding[] =>
  [...view.reports].flatMap(([host, { modRevision }]): Finding[] => {
    const isNamed = view.requests.some((request) => request.host === host);
    if (view.hasHost(host) || isNamed) return [];
    const key = view.keys.audit(host);
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
