import pLimit from 'p-limit';
import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { endingSchema } from '@etcd-compute/common/etcd/messages/ending';
import { hostAuditSchema } from '@etcd-compute/common/etcd/messages/host-audit';
import { storedLocationSchema } from '@etcd-compute/common/etcd/messages/instance-location';
import { instanceRecordSchema, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { nameHolderSchema } from '@etcd-compute/common/etcd/messages/name-holder';
import { isCopyName } from '@etcd-compute/common/etcd/messages/shelved';
import { snapshotSchema } from '@etcd-compute/common/etcd/messages/snapshot';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Entry } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Held } from '@etcd-compute/common/capacity/capacity';
import type { z } from 'zod';
import type { Services } from '../services.js';
import { listPresences } from '../hosts/presences.js';
import type { Seen, Stored, StoredLocation, StoredRecord } from './seen.js';

/** Placement is asked about this many things at a time. */
const PARALLEL = 8;

/**
 * One look. The order matters: between the keys of an instance, and between etcd and Placement, time goes by. What a first look finds by
 * some revision, and a second look again by the same, was so for certain in the second look's middle, because what must be absent is
 * read before what must be there (Placement: after it, and before the next look).
 */
export const observe = async (services: Services): Promise<Seen> => {
  const { keys } = services;
  const problems: Error[] = [];
  const read = createReader(services);
  const requests = await read(keys.requests, keys.parseRequest, (entry, parsed) => ({
    ...parsed,
    ...withoutGuest(parse(bootRequestSchema, entry, problems)),
  }));
  const reported = await read(keys.reports, keys.parseReport, (entry, parsed): StoredRecord => {
    return { ...parsed, key: entry.key, ...brief(parse(instanceRecordSchema, entry, problems)) };
  });
  const { locations, old } = await observeLocations(services, problems);
  const names = await read(keys.names, keys.parseName, (entry, parsed) => ({
    ...parsed,
    ...parse(nameHolderSchema, entry, problems),
  }));
  const endings = await read(keys.endings, keys.parseEnding, (entry, instance) => {
    return [instance, parse(endingSchema, entry, problems)] as const;
  });
  const booted = await read(keys.bootedAll, keys.parseBooted, ({ modRevision }, instance) => {
    return [instance, modRevision] as const;
  });
  const reports = await read(keys.audits, keys.parseAudit, (entry, host) => {
    return [host, parse(hostAuditSchema, entry, problems)] as const;
  });
  const copies = await read(keys.images, keys.parseImageSnapshot, (entry, parsed) =>
    isCopyName(parsed.name) ? [{ ...parsed, ...parse(snapshotSchema, entry, problems) }] : [],
  );
  const presences = await listPresences(services);
  const records = [...reported, ...old];
  const hosts = new Set([
    ...presences.keys(),
    ...reports.map(([host]) => host),
    ...requests.map(({ host }) => host),
    ...records.map(({ host }) => host),
  ]);
  const isShelved = ({ value }: StoredRecord): boolean => value !== 'not-understood' && value.state === 'shelved';
  const shelved = new Set(records.filter(isShelved).map(({ instance }) => instance));
  const requested = new Set(requests.flatMap(({ instance }) => (shelved.has(instance) ? [] : instance)));
  return {
    presences,
    reports: new Map(reports),
    requests,
    records,
    locations,
    names,
    endings: new Map(endings),
    booted: new Map(booted),
    problems,
    copies: copies.flat(),
    ...(await observePlacement(services, { hosts, requested })),
  };
};

type Reader = <P, T>(
  prefix: string,
  parseKey: (key: string) => P | undefined,
  toItem: (entry: Entry, parsed: P) => T,
) => Promise<T[]>;

/** Keys that are none of ours are passed over. */
const createReader =
  ({ store }: Services): Reader =>
  async (prefix, parseKey, toItem) => {
    const { entries } = await (
      await store()
    ).list(prefix, (entry) => {
      const parsed = parseKey(entry.key);
      return parsed === undefined ? [] : [toItem(entry, parsed)];
    });
    return entries.flat();
  };

/** The values at `/instances`: locations, and records that are not moved yet. */
const observeLocations = async (
  services: Services,
  problems: Error[],
): Promise<{ locations: Map<InstanceUuid, StoredLocation>; old: StoredRecord[] }> => {
  const locations = new Map<InstanceUuid, StoredLocation>();
  const old: StoredRecord[] = [];
  const { keys, store } = services;
  await (
    await store()
  ).list(keys.locations, (entry) => {
    const instance = keys.parseLocation(entry.key);
    if (instance === undefined) return;
    const { key, modRevision } = entry;
    const { value } = parse(storedLocationSchema, entry, problems);
    if (value !== 'not-understood' && value.version === 1)
      old.push({ instance, host: value.host, key, ...brief({ value, modRevision }) });
    else locations.set(instance, { value, modRevision, isLeased: entry.lease !== '0' });
  });
  return { locations, old };
};

const parse = <S extends z.ZodType>(schema: S, entry: Entry, problems: Error[]): Stored<z.output<S>> => {
  const { key, value, modRevision } = entry;
  try {
    return { value: parseMessage(schema, key, value), modRevision };
  } catch (err) {
    if (!(err instanceof Error)) throw err;
    problems.push(err);
    return { value: 'not-understood', modRevision };
  }
};

/** What only the guest is told may be most of a request. */
const withoutGuest = ({ value, modRevision }: Stored<BootRequest>): Stored<BootRequest> => {
  if (value === 'not-understood') return { value, modRevision };
  const { user_data: _userData, user_data_base64: _base64, ssh_keys: _sshKeys, meta: _meta, ...rest } = value;
  return { value: rest, modRevision };
};

/** No rule asks for the history of an instance. */
const brief = ({ value, modRevision }: Stored<InstanceRecord>): Stored<InstanceRecord> => ({
  modRevision,
  value: value === 'not-understood' ? value : { ...value, transitions: [], addresses: [], address_sources: null },
});

interface Known {
  readonly hosts: ReadonlySet<ProviderUuid>;
  readonly requested: ReadonlySet<InstanceUuid>;
}

const observePlacement = async (
  services: Services,
  { hosts, requested }: Known,
): Promise<Pick<Seen, 'providers' | 'holders' | 'orphans' | 'placementTime'>> => {
  const capacity = await services.capacity();
  const bounded = pLimit(PARALLEL);
  const providers = new Map((await capacity.hosts()).map(({ uuid, name }) => [uuid, name]));
  const holders = new Map<ProviderUuid, readonly InstanceUuid[]>();
  const readHolders = async (host: ProviderUuid): Promise<void> => {
    holders.set(host, [...(await capacity.consumersOn(host)).keys()]);
  };
  const known = [...hosts].filter((host) => providers.has(host));
  await Promise.all(known.map((host) => bounded(async () => readHolders(host))));
  const orphans = new Map<InstanceUuid, Held>();
  const suspects = new Set([...holders.values()].flat().filter((instance) => !requested.has(instance)));
  await Promise.all(
    [...suspects].map((instance) => bounded(async () => orphans.set(instance, await capacity.read(instance)))),
  );
  const placementTime = suspects.size === 0 ? undefined : await capacity.now();
  return { providers, holders, orphans, placementTime };
};
