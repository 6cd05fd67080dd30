import { instanceRecordSchema } from '@etcd-compute/common/etcd/messages/instance-record';
import { isNotUnderstood, parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { compareNames } from '../compare-names.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { nameHosts, namesOf } from '../hosts/host-names.js';
import { listPresences } from '../hosts/presences.js';
import { listOldRecords } from './find-instance.js';
import { readInstances, type InstanceEntry, type Sought } from './instance-entry.js';
import { viewOf, viewOfRecord, type InstanceView } from './view.js';

export interface ListOptions extends RunOptions {
  /** With those that were deleted within the last hour. */
  readonly isAll?: boolean;
  /** Without their history: it is most of what fifty thousand of them take in memory. */
  readonly isBrief?: boolean;
}

export interface Listed {
  /** By name, the nameless last. */
  readonly instances: readonly InstanceView[];
  /** Values that are not understood, and are passed over. */
  readonly problems: readonly Error[];
}

/** So many requests, with all that their guests are told, are in memory at a time. */
const CHUNK = 100;

const inOrder = (a: InstanceView, b: InstanceView): number =>
  compareNames(a.name ?? '\uffff', b.name ?? '\uffff') || compareNames(a.instance, b.instance);

/** All instances. Their records are read page by page, and of requests only the keys: just what has no record is read itself. */
export const listInstances = async (
  services: Services,
  { isAll = false, isBrief = false, ...options }: ListOptions = {},
): Promise<Listed> => run(options, async () => listAll(services, { isAll, isBrief }));

const listAll = async (
  services: Services,
  { isAll, isBrief }: { isAll: boolean; isBrief: boolean },
): Promise<Listed> => {
  const hostNames = namesOf(await listPresences(services));
  const { keys } = services;
  const store = await services.store();
  const problems: Error[] = [];
  const views = new Map<InstanceUuid, InstanceView>();
  const show = (instance: InstanceUuid, view: InstanceView): void => {
    if (views.has(instance) || (view.state === 'deleted' && !isAll)) return;
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
      if (record) show(instance, viewOfRecord(isBrief ? { ...record, transitions: [] } : record, hostNames));
    }),
  ]);
  const bare = requests
    .flatMap(({ key }) => keys.parseRequest(key) ?? [])
    .filter(({ instance }) => !reported.has(instance));
  for (let start = 0; start < bare.length; start += CHUNK)
    for (const entry of await readBare(services, bare.slice(start, start + CHUNK), problems))
      show(entry.instance, viewOf(entry, hostNames));
  if (isAll)
    for (const record of await listOldRecords(services)) show(record.instance, viewOfRecord(record, hostNames));
  const named = await nameHosts(services, [...views.values()]);
  return { instances: named.toSorted(inOrder), problems };
};

/** Instances without a record: the original's, and those of agents that have not been upgraded yet. */
const readBare = async (services: Services, sought: readonly Sought[], problems: Error[]): Promise<InstanceEntry[]> => {
  try {
    const found = await readInstances(services, sought);
    return found.flatMap((entry) => (entry?.record || entry?.request ? [entry] : []));
  } catch (err) {
    if (!isNotUnderstood(err)) throw err;
    if (sought.length === 1) problems.push(err);
    // One of them is not understood: each is read by itself.
    const each = sought.length === 1 ? [] : sought.map(async (one) => readBare(services, [one], problems));
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
