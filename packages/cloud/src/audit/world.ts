import { isLive } from '@etcd-compute/common/audit/rules';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Guard } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Finding, Mend } from './finding.js';
import type { Seen, StoredName, StoredRecord, StoredRequest } from './seen.js';

/** What was seen, by what rules ask for. Pure. */
export interface World extends Seen {
  readonly keys: Keys;
  readonly requestsOf: (instance: InstanceUuid) => readonly StoredRequest[];
  readonly requestAt: (host: ProviderUuid, instance: InstanceUuid) => StoredRequest | undefined;
  readonly recordsOf: (instance: InstanceUuid) => readonly StoredRecord[];
  readonly recordAt: (host: ProviderUuid, instance: InstanceUuid) => StoredRecord | undefined;
  readonly namesOf: (instance: InstanceUuid) => readonly StoredName[];
  readonly holderOf: (project: string, name: string) => StoredName | undefined;
  readonly hasHost: (host: ProviderUuid) => boolean;
  /** The record that says that the instance lives, wherever. */
  readonly liveRecord: (instance: InstanceUuid) => InstanceRecord | 'not-understood' | undefined;
}

export type Rule = (world: World) => Finding[];

export const NOTHING_MORE = { since: null, reportedAt: null };

export const createWorld = (seen: Seen, keys: Keys): World => {
  const requests = groupBy(seen.requests, ({ instance }) => instance);
  const records = groupBy(seen.records, ({ instance }) => instance);
  const names = groupBy(
    seen.names.filter(({ value }) => value !== 'not-understood'),
    ({ value }) => (value === 'not-understood' ? '' : value.instance),
  );
  const holders = new Map(seen.names.map((one) => [keys.name(one.project, one.name), one]));
  const requestsOf = (instance: InstanceUuid): readonly StoredRequest[] => requests.get(instance) ?? [];
  const recordsOf = (instance: InstanceUuid): readonly StoredRecord[] => records.get(instance) ?? [];
  return {
    ...seen,
    keys,
    requestsOf,
    requestAt: (host, instance) => requestsOf(instance).find((request) => request.host === host),
    recordsOf,
    recordAt: (host, instance) => recordsOf(instance).find((record) => record.host === host),
    namesOf: (instance) => names.get(instance) ?? [],
    holderOf: (project, name) => holders.get(keys.name(project, name)),
    hasHost: (host) => seen.providers.has(host) || seen.presences.has(host),
    liveRecord: (instance) =>
      recordsOf(instance)
        .map(({ value }) => value)
        .find((value) => value === 'not-understood' || isLive(value)),
  };
};

const groupBy = <T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> => {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
};

export interface LeftKey {
  readonly kind: Finding['kind'];
  readonly instance: InstanceUuid;
  readonly host: ProviderUuid | null;
  readonly key: string;
  readonly modRevision: string;
  /** What goes with it, as it was seen. */
  readonly alsoLeft?: readonly Guard[];
  /** What else must be as it was seen. */
  readonly guards?: readonly Guard[];
}

/** A key whose subject is gone, and which can be removed. */
export const leftKey = ({ kind, instance, host, key, modRevision, alsoLeft = [], guards = [] }: LeftKey): Finding => {
  const left = [{ key, modRevision }, ...alsoLeft];
  return {
    ...NOTHING_MORE,
    kind,
    instance,
    host,
    detail: `at ${key}`,
    evidence: modRevision,
    mend: {
      by: 'delete',
      keys: left.map((one) => one.key),
      guards: [...left, ...guards],
    },
  };
};

/**
 * Removes keys of an instance on a host, and with them its address, its location when it points there, and its names: guarded by the
 * revisions that were seen.
 */
export const deletion = (
  world: World,
  { instance, host, keys, guards }: { instance: InstanceUuid; host: ProviderUuid; keys: string[]; guards: Guard[] },
): Mend => {
  const location = world.locations.get(instance);
  const isThere = location !== undefined && location.value !== 'not-understood' && location.value.host === host;
  const names = isThere ? world.namesOf(instance) : [];
  const locationKey = world.keys.location(instance);
  return {
    by: 'delete',
    keys: [
      ...keys,
      ...(isThere ? [locationKey] : []),
      ...names.map(({ project, name }) => world.keys.name(project, name)),
      world.keys.booted(instance),
    ],
    guards: [
      ...guards,
      ...(isThere ? [{ key: locationKey, modRevision: location.modRevision }] : []),
      ...names.map(({ project, name, modRevision }) => ({ key: world.keys.name(project, name), modRevision })),
    ],
  };
};

/** `VCPU 1, MEMORY_MB 256`. */
export const describeAllocations = (
  allocations: Readonly<Record<string, { resources: Readonly<Record<string, number>> }>>,
): string =>
  Object.values(allocations)
    .flatMap(({ resources }) => Object.entries(resources).map(([name, amount]) => `${name} ${amount}`))
    .join(', ');
