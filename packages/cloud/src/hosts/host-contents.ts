import { listRequested } from '@etcd-compute/common/etcd/list-requested';
import { isDestroyWish } from '@etcd-compute/common/etcd/messages/boot-request';
import { hostAuditSchema, LEFTOVER_KINDS } from '@etcd-compute/common/etcd/messages/host-audit';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import { isGone, readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import { viewOf, type InstanceView } from '../instances/view.js';
import type { Services } from '../services.js';
import type { FoundHost } from './find-host.js';

/** So many requests, with all that their guests are told, are in memory at a time. */
const CHUNK = 100;

/** What is on a host, as far as etcd and Placement know. */
export interface HostContents {
  /** Those that were asked to be destroyed count until their agent is through with them. */
  readonly instances: readonly InstanceUuid[];
  /** Destroyed by force: their guests may be there until the agent is back. */
  readonly givenUp: readonly InstanceUuid[];
  /** Consumers of Placement that none of these instances is. */
  readonly allocations: readonly InstanceUuid[];
  /** What the agent reported last of domains, disks and logs of ours without a boot request. */
  readonly leftovers: readonly string[];
  /** Snapshots that it holds: nobody else is sure to have them. */
  readonly snapshots: readonly string[];
}

/** The instances that are there or are wished there. */
export const listInstancesOn = async (
  services: Services,
  { host, name }: Pick<FoundHost, 'host' | 'name'>,
): Promise<InstanceView[]> => (await readEntriesOn(services, host)).map((entry) => viewOf(entry, () => name));

export const readContents = async (services: Services, host: ProviderUuid): Promise<HostContents> => {
  const entries = await readEntriesOn(services, host);
  const givenUp = entries.filter(isGivenUp).map(({ instance }) => instance);
  const instances = entries.filter((entry) => !isGivenUp(entry)).map(({ instance }) => instance);
  const capacity = await services.capacity();
  const hasProvider = (await capacity.generationOf(host)) !== undefined;
  const consumers = hasProvider ? [...(await capacity.consumersOn(host)).keys()] : [];
  const allocations = consumers.filter((consumer) => !instances.includes(consumer));
  const [leftovers, snapshots] = await Promise.all([readLeftovers(services, host), readSnapshots(services, host)]);
  return { instances, givenUp, allocations, leftovers, snapshots };
};

const isGivenUp = ({ request, record }: InstanceEntry): boolean =>
  request !== undefined && isDestroyWish(request) && record?.state === 'deleted';

/** By request or record: one without the other is not gone either. */
const readEntriesOn = async (services: Services, host: ProviderUuid): Promise<InstanceEntry[]> => {
  const { keys } = services;
  const store = await services.store();
  const [requested, { entries: reports }] = await Promise.all([
    listRequested({ store, keys, host }),
    store.listKeys(keys.reportsOf(host)),
  ]);
  const found = new Set([...requested, ...reports.flatMap(({ key }) => keys.parseReport(key)?.instance ?? [])]);
  const sought = [...found].map((instance) => ({ instance, host }));
  const entries: InstanceEntry[] = [];
  for (let start = 0; start < sought.length; start += CHUNK)
    for (const entry of await readInstances(services, sought.slice(start, start + CHUNK)))
      if (entry && entry.host === host && !isGone(entry)) entries.push(entry);
  return entries;
};

const readSnapshots = async ({ keys, store }: Services, host: ProviderUuid): Promise<string[]> => {
  const { entries } = await (await store()).listKeys(keys.imageSnapshotsOf(host));
  return entries.flatMap(({ key }) => keys.parseImageSnapshot(key)?.name ?? []);
};

const readLeftovers = async (services: Services, host: ProviderUuid): Promise<string[]> => {
  const key = services.keys.audit(host);
  const entry = await (await services.store()).get(key);
  if (!entry) return [];
  const { findings } = parseMessage(hostAuditSchema, key, entry.value);
  return findings
    .filter(({ kind }) => LEFTOVER_KINDS.some((known) => known === kind))
    .map(({ kind, instance }) => `${kind.replaceAll('-', ' ')} of ${instance}`);
};
