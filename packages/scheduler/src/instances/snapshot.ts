import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { instanceRecordSchema, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Entry } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Cloud } from '../cloud.js';

/** An instance as etcd knows it: its record, its boot request, or both. A request alone is the original's. */
export interface InstanceEntry {
  readonly instance: InstanceUuid;
  readonly host: ProviderUuid;
  readonly record: InstanceRecord | undefined;
  readonly recordRevision: string;
  readonly request: BootRequest | undefined;
  readonly requestRevision: string;
  /** What the original's agent reports: the first address. Read only where there is no record. */
  readonly booted: string | undefined;
}

/** Values that are not understood, by key: told to the person, and otherwise passed over. */
export interface Snapshot {
  readonly instances: readonly InstanceEntry[];
  readonly problems: readonly Error[];
}

const tryParse = <T>(problems: Error[], parse: () => T): T | undefined => {
  try {
    return parse();
  } catch (err) {
    if (!(err instanceof Error)) throw err;
    problems.push(err);
    return undefined;
  }
};

const readRecords = (entries: readonly Entry[], problems: Error[]): Map<InstanceUuid, InstanceEntry> => {
  const instances = new Map<InstanceUuid, InstanceEntry>();
  for (const { key, value, modRevision } of entries) {
    const record = tryParse(problems, () => parseMessage(instanceRecordSchema, key, value));
    if (!record) continue;
    const { instance, host } = record;
    const rest = { request: undefined, requestRevision: '0', booted: undefined };
    instances.set(instance, { instance, host, record, recordRevision: modRevision, ...rest });
  }
  return instances;
};

/** Everything that etcd holds about instances. */
export const readSnapshot = async (cloud: Cloud): Promise<Snapshot> => {
  const { keys } = cloud;
  const store = await cloud.store();
  const [records, requests] = await Promise.all([store.list(keys.records), store.list(keys.requests)]);
  const problems: Error[] = [];
  const instances = readRecords(records.entries, problems);
  for (const { key, value, modRevision } of requests.entries) {
    const parsedKey = keys.parseRequest(key);
    if (!parsedKey) continue;
    const { host, instance } = parsedKey;
    const known = instances.get(instance);
    // A request on another host than the record's is a rest of the one or a copy of the other; the record decides.
    if (known && known.host !== host) continue;
    const request = tryParse(problems, () => parseMessage(bootRequestSchema, key, value));
    const record = known ?? { instance, host, record: undefined, recordRevision: '0', booted: undefined };
    instances.set(instance, { ...record, request, requestRevision: modRevision });
  }
  return { instances: await addBooted(cloud, [...instances.values()]), problems };
};

const addBooted = async (cloud: Cloud, instances: readonly InstanceEntry[]): Promise<InstanceEntry[]> => {
  const bare = instances.filter(({ record }) => !record).map(({ instance }) => instance);
  const store = await cloud.store();
  const addresses = new Map<InstanceUuid, string>();
  const { entries } = await store.getMany(bare.map((instance) => cloud.keys.booted(instance)));
  for (const [index, instance] of bare.entries()) {
    const value = entries[index]?.value;
    if (value !== undefined) addresses.set(instance, value);
  }
  return instances.map((entry) => ({ ...entry, booted: addresses.get(entry.instance) }));
};

/** The records of these instances now, in the order asked; undefined where there is none. */
export const readRecordsOf = async (
  cloud: Cloud,
  instances: readonly InstanceUuid[],
): Promise<({ record: InstanceRecord; revision: string } | undefined)[]> => {
  const { entries } = await (await cloud.store()).getMany(instances.map((instance) => cloud.keys.record(instance)));
  return entries.map(
    (entry) =>
      entry && { record: parseMessage(instanceRecordSchema, entry.key, entry.value), revision: entry.modRevision },
  );
};

/** The request as it is now, on the host that the record names now: it may have moved on after a failed build. */
export const rereadEntry = async (cloud: Cloud, { instance, host }: InstanceEntry): Promise<InstanceEntry> => {
  const [found] = await readRecordsOf(cloud, [instance]);
  const hostNow = found?.record.host ?? host;
  const key = cloud.keys.request(hostNow, instance);
  const request = await (await cloud.store()).get(key);
  return {
    instance,
    host: hostNow,
    record: found?.record,
    recordRevision: found?.revision ?? '0',
    request: request && parseMessage(bootRequestSchema, key, request.value),
    requestRevision: request?.modRevision ?? '0',
    booted: undefined,
  };
};
