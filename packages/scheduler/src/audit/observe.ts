import pLimit from 'p-limit';
import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { hostAuditSchema, type HostAudit } from '@etcd-compute/common/etcd/messages/host-audit';
import { instanceRecordSchema, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Entry } from '@etcd-compute/common/etcd/store';
import { instanceUuidSchema, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import {
  getHeld,
  getPlacementTime,
  listProviderAllocations,
  type Held,
} from '@etcd-compute/common/placement/allocations';
import { listResourceProviders } from '@etcd-compute/common/placement/resource-providers';
import type { z } from 'zod';
import type { Cloud } from '../cloud.js';
import { listPresences, type Presences } from '../hosts/presences.js';

/** A value of etcd. One that is not understood stands for something all the same, and is never touched. */
export interface Stored<T> {
  readonly value: T | 'not-understood';
  readonly modRevision: string;
}

export interface StoredRequest extends Stored<BootRequest> {
  readonly host: ProviderUuid;
  readonly instance: InstanceUuid;
}

/** All that there is, as far as an audit is concerned. */
export interface Seen {
  readonly presences: Presences;
  readonly reports: ReadonlyMap<ProviderUuid, Stored<HostAudit>>;
  readonly requests: readonly StoredRequest[];
  readonly records: ReadonlyMap<InstanceUuid, Stored<InstanceRecord>>;
  /** The revisions of `/booted`. */
  readonly booted: ReadonlyMap<InstanceUuid, string>;
  /** Names of the providers in Placement. */
  readonly providers: ReadonlyMap<ProviderUuid, string>;
  /** Who holds something on the hosts that etcd knows. */
  readonly holders: ReadonlyMap<ProviderUuid, readonly InstanceUuid[]>;
  /** What those hold that have no request. */
  readonly orphans: ReadonlyMap<InstanceUuid, Held>;
  readonly placementTime: Date | undefined;
  /** Values that are not understood. */
  readonly problems: readonly Error[];
}

/** Placement is asked about this many things at a time. */
const PARALLEL = 8;

/**
 * One look. The order matters: between the request, the record and the address of an instance, and between etcd and Placement, time
 * goes by. What a first look finds by some revision, and a second look again by the same, was so for certain in the second look's
 * middle, because what must be absent is read before what must be there (Placement: after it, and before the next look).
 */
export const observe = async (cloud: Cloud): Promise<Seen> => {
  const { keys } = cloud;
  const store = await cloud.store();
  const problems: Error[] = [];
  const list = async (prefix: string): Promise<Entry[]> => (await store.list(prefix)).entries;
  const requests = (await list(keys.requests)).flatMap((entry) => {
    const parsed = keys.parseRequest(entry.key);
    return parsed ? [{ ...parsed, ...read(bootRequestSchema, entry, problems) }] : [];
  });
  const records = byKey(await list(keys.records), keys.parseRecord, (entry) =>
    read(instanceRecordSchema, entry, problems),
  );
  const booted = byKey(await list(keys.bootedAll), keys.parseBooted, ({ modRevision }) => modRevision);
  const reports = byKey(await list(keys.audits), keys.parseAudit, (entry) => read(hostAuditSchema, entry, problems));
  const presences = await listPresences(cloud);
  const hosts = new Set([
    ...presences.keys(),
    ...reports.keys(),
    ...requests.map(({ host }) => host),
    ...[...records.values()].flatMap(({ value }) => (value === 'not-understood' ? [] : [value.host])),
  ]);
  const requested = new Set(requests.map(({ instance }) => instance));
  return {
    presences,
    reports,
    requests,
    records,
    booted,
    problems,
    ...(await observePlacement(cloud, { hosts, requested })),
  };
};

const byKey = <K, V>(
  entries: readonly Entry[],
  parseKey: (key: string) => K | undefined,
  toValue: (entry: Entry) => V,
): Map<K, V> => {
  const map = new Map<K, V>();
  for (const entry of entries) {
    const key = parseKey(entry.key);
    if (key !== undefined) map.set(key, toValue(entry));
  }
  return map;
};

const read = <S extends z.ZodType>(schema: S, entry: Entry, problems: Error[]): Stored<z.output<S>> => {
  const { key, value, modRevision } = entry;
  try {
    return { value: parseMessage(schema, key, value), modRevision };
  } catch (err) {
    if (!(err instanceof Error)) throw err;
    problems.push(err);
    return { value: 'not-understood', modRevision };
  }
};

interface Known {
  readonly hosts: ReadonlySet<ProviderUuid>;
  readonly requested: ReadonlySet<InstanceUuid>;
}

const observePlacement = async (
  cloud: Cloud,
  { hosts, requested }: Known,
): Promise<Pick<Seen, 'providers' | 'holders' | 'orphans' | 'placementTime'>> => {
  const placement = await cloud.placement();
  const bounded = pLimit(PARALLEL);
  const providers = new Map((await listResourceProviders(placement)).map(({ uuid, name }) => [uuid, name]));
  const holders = new Map<ProviderUuid, readonly InstanceUuid[]>();
  const readHolders = async (host: ProviderUuid): Promise<void> => {
    const consumers = Object.keys(await listProviderAllocations(placement, host));
    holders.set(
      host,
      consumers.flatMap((consumer) => instanceUuidSchema.safeParse(consumer).data ?? []),
    );
  };
  const known = [...hosts].filter((host) => providers.has(host));
  await Promise.all(known.map((host) => bounded(async () => readHolders(host))));
  const orphans = new Map<InstanceUuid, Held>();
  const suspects = new Set([...holders.values()].flat().filter((instance) => !requested.has(instance)));
  await Promise.all(
    [...suspects].map((instance) => bounded(async () => orphans.set(instance, await getHeld(placement, instance)))),
  );
  const placementTime = suspects.size === 0 ? undefined : await getPlacementTime(placement);
  return { providers, holders, orphans, placementTime };
};
