import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import {
  storedLocationSchema,
  type InstanceLocation,
  type StoredLocation,
} from '@etcd-compute/common/etcd/messages/instance-location';
import { instanceRecordSchema, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { nameAndUuid } from '@etcd-compute/common/name-and-uuid';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Entry } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';

/** An instance as etcd knows it. A request alone is what the original has booted. */
export interface InstanceEntry {
  readonly instance: InstanceUuid;
  readonly host: ProviderUuid;
  readonly request: BootRequest | undefined;
  readonly requestRevision: string;
  readonly record: InstanceRecord | undefined;
  /** Where the record stands, or would: below the host, or where version 1 had it. */
  readonly recordKey: string;
  readonly recordRevision: string;
  readonly location: InstanceLocation | undefined;
  readonly locationRevision: string;
  /** What the original's agent reports: the first address. Read only where there is no record. */
  readonly booted: string | undefined;
}

export const nameOf = ({ record, request, location }: InstanceEntry): string | null =>
  location?.name ?? record?.name ?? request?.name ?? null;

export const isDeleted = ({ record }: InstanceEntry): boolean => record?.state === 'deleted';

/** Its agent is through with it, or never had it. */
export const isGone = ({ request, record }: Pick<InstanceEntry, 'request' | 'record'>): boolean =>
  !request && (!record || record.state === 'deleted');

/** For a person: its name, if it has one, and its uuid. */
export const describeInstance = (entry: InstanceEntry): string =>
  nameAndUuid({ name: nameOf(entry), instance: entry.instance });

/** An instance, and where to look for it when its location does not tell. */
export interface Sought {
  readonly instance: InstanceUuid;
  readonly host?: ProviderUuid | undefined;
}

/**
 * Reads instances as they are now, wherever they are now, in the order asked.
 *
 * @returns undefined for one whose host neither its location nor the caller knows.
 */
export const readInstances = async (
  services: Services,
  sought: readonly Sought[],
): Promise<(InstanceEntry | undefined)[]> => {
  const { keys } = services;
  const store = await services.store();
  const { entries } = await store.getMany(sought.map(({ instance }) => keys.location(instance)));
  const places = sought.map(({ instance, host }, index): Place => {
    const entry = entries[index];
    const stored = entry && parseMessage(storedLocationSchema, entry.key, entry.value);
    return { instance, host: stored?.host ?? host, stored, revision: entry?.modRevision ?? '0' };
  });
  const found = await readAt(services, places);
  return Promise.all(
    found.map(async (entry, index) => {
      const place = places[index];
      const isMoved = entry && isGone(entry) && place?.stored?.version === 2;
      return isMoved ? ((await readMoved(services, place)) ?? entry) : entry;
    }),
  );
};

interface Place {
  readonly instance: InstanceUuid;
  readonly host: ProviderUuid | undefined;
  readonly stored: StoredLocation | undefined;
  readonly revision: string;
}

/** Nothing there may mean that it went to another host in between: its location is read before. */
const readMoved = async (services: Services, { instance, host }: Place): Promise<InstanceEntry | undefined> => {
  const entry = await (await services.store()).get(services.keys.location(instance));
  const stored = entry && parseMessage(storedLocationSchema, entry.key, entry.value);
  if (!entry || !stored || stored.host === host) return undefined;
  return (await readAt(services, [{ instance, host: stored.host, stored, revision: entry.modRevision }]))[0];
};

const readAt = async (services: Services, places: readonly Place[]): Promise<(InstanceEntry | undefined)[]> => {
  const { keys } = services;
  const store = await services.store();
  const names = places.flatMap(({ instance, host }) =>
    host === undefined ? [] : [keys.request(host, instance), keys.report(host, instance)],
  );
  const { entries } = await store.getMany(names);
  const byKey = new Map(entries.flatMap((entry) => (entry ? [[entry.key, entry]] : [])));
  const found = places.map((place) => toEntry(services, place, byKey));
  return addBooted(services, found);
};

const toEntry = (
  { keys }: Services,
  { instance, host, stored, revision }: Place,
  byKey: ReadonlyMap<string, Entry>,
): InstanceEntry | undefined => {
  if (host === undefined) return undefined;
  const request = byKey.get(keys.request(host, instance));
  const report = byKey.get(keys.report(host, instance));
  const old = stored?.version === 1 && !report ? stored : undefined;
  return {
    instance,
    host,
    request: request && parseMessage(bootRequestSchema, request.key, request.value),
    requestRevision: request?.modRevision ?? '0',
    record: old ?? (report && parseMessage(instanceRecordSchema, report.key, report.value)),
    recordKey: old ? keys.location(instance) : keys.report(host, instance),
    recordRevision: old ? revision : (report?.modRevision ?? '0'),
    location: stored?.version === 2 ? stored : undefined,
    locationRevision: stored?.version === 2 ? revision : '0',
    booted: undefined,
  };
};

/** The records of instances on the hosts where they were seen last: undefined for one that is not there. */
export const readRecords = async (
  services: Services,
  sought: readonly { readonly instance: InstanceUuid; readonly host: ProviderUuid }[],
): Promise<(InstanceRecord | undefined)[]> => {
  const names = sought.map(({ host, instance }) => services.keys.report(host, instance));
  const { entries } = await (await services.store()).getMany(names);
  return entries.map((entry) => entry && parseMessage(instanceRecordSchema, entry.key, entry.value));
};

const addBooted = async <E extends InstanceEntry | undefined>(
  services: Services,
  found: readonly E[],
): Promise<E[]> => {
  const bare = found.flatMap((entry) => (entry?.request && !entry.record ? [entry.instance] : []));
  if (bare.length === 0) return [...found];
  const { entries } = await (await services.store()).getMany(bare.map((instance) => services.keys.booted(instance)));
  const addresses = new Map(bare.map((instance, index) => [instance, entries[index]?.value]));
  return found.map((entry) => entry && { ...entry, booted: addresses.get(entry.instance) });
};
