import { instanceRecordSchema } from '@etcd-compute/common/etcd/messages/instance-record';
import { isNotUnderstood, parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Cloud } from '../cloud.js';
import type { HostNames } from '../hosts/host-names.js';
import { listOldRecords } from './find-instance.js';
import { readInstances, type InstanceEntry, type Sought } from './instance-entry.js';
import { viewOf, viewOfRecord, type InstanceView } from './view.js';

export interface Listed {
  readonly views: readonly InstanceView[];
  readonly hosts: ReadonlySet<ProviderUuid>;
  /** Values that are not understood: told to the person, and otherwise passed over. */
  readonly problems: readonly Error[];
}

/** So many requests, with all that their guests are told, are in memory at a time. */
const CHUNK = 100;

/**
 * All instances. Their records are read page by page, and of requests only the keys: just what has no record is read itself.
 *
 * @param isAll with those that were deleted within the last hour.
 * @param isBrief without their history, which no table shows: it is most of what fifty thousand of them take in memory.
 */
export const listInstances = async (
  cloud: Cloud,
  { isAll, isBrief, hostNames }: { isAll: boolean; isBrief: boolean; hostNames: HostNames },
): Promise<Listed> => {
  const { keys } = cloud;
  const store = await cloud.store();
  const problems: Error[] = [];
  const hosts = new Set<ProviderUuid>();
  const views = new Map<InstanceUuid, InstanceView>();
  const show = ({ instance, host }: Shown, view: InstanceView): void => {
    if (views.has(instance) || (view.state === 'deleted' && !isAll)) return;
    hosts.add(host);
    views.set(instance, view);
  };
  const reported = new Set<InstanceUuid>();
  const [{ entries: requests }] = await Promise.all([
    store.listKeys(keys.requests),
    store.list(keys.reports, ({ key, value }) => {
      const instance = keys.parseReport(key)?.instance;
      if (instance === undefined) return;
      reported.add(instance);
      const record = unlessNotUnderstood(problems, () => parseMessage(instanceRecordSchema, key, value));
      if (record) show(record, viewOfRecord(isBrief ? { ...record, transitions: [] } : record, hostNames));
    }),
  ]);
  const bare = requests
    .flatMap(({ key }) => keys.parseRequest(key) ?? [])
    .filter(({ instance }) => !reported.has(instance));
  for (let start = 0; start < bare.length; start += CHUNK)
    for (const entry of await readBare(cloud, bare.slice(start, start + CHUNK), problems))
      show(entry, viewOf(entry, hostNames));
  if (isAll) for (const record of await listOldRecords(cloud)) show(record, viewOfRecord(record, hostNames));
  return { views: [...views.values()], hosts, problems };
};

type Shown = Pick<InstanceEntry, 'instance' | 'host'>;

/** Instances without a record: the original's, and those of agents that have not been upgraded yet. */
const readBare = async (cloud: Cloud, sought: readonly Sought[], problems: Error[]): Promise<InstanceEntry[]> => {
  try {
    const found = await readInstances(cloud, sought);
    return found.flatMap((entry) => (entry?.record || entry?.request ? [entry] : []));
  } catch (err) {
    if (!isNotUnderstood(err)) throw err;
    if (sought.length === 1) problems.push(err);
    // One of them is not understood: each is read by itself.
    const each = sought.length === 1 ? [] : sought.map(async (one) => readBare(cloud, [one], problems));
    return (await Promise.all(each)).flat();
  }
};

const unlessNotUnderstood = <T>(problems: Error[], parse: () => T): T | undefined => {
  try {
    return parse();
  } catch (err) {
    if (!isNotUnderstood(err)) throw err;
    problems.push(err);
    return undefined;
  }
};
