import pLimit from 'p-limit';
import { instanceRecordSchema } from '@etcd-compute/common/etcd/messages/instance-record';
import { storedLocationSchema } from '@etcd-compute/common/etcd/messages/instance-location';
import { isNotUnderstood, parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { MAX_OPERATIONS, type Entry } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { compareNames } from '../compare-names.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { nameHosts, namesOf, type HostNames } from '../hosts/host-names.js';
import { listPresences } from '../hosts/presences.js';
import { listOldRecords } from './find-instance.js';
import { readInstances, type InstanceEntry, type Sought } from './instance-entry.js';
import { listProjectInstances } from './project-index.js';
import { viewOf, viewOfRecord, type InstanceView } from './view.js';

export interface ListOptions extends RunOptions {
  /** With those that were deleted within the last hour. */
  readonly isAll?: boolean;
  /** Of every project. Default: of the caller's. */
  readonly isOfAllProjects?: boolean;
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
/** Chunks that are read at a time. */
const PARALLEL = 4;

const inOrder = (a: InstanceView, b: InstanceView): number =>
  compareNames(a.name ?? '\uffff', b.name ?? '\uffff') || compareNames(a.instance, b.instance);

/**
 * The instances of a project, or of all. The cost of a project's is that of its own instances, however many others there are. What the
 * original has booted is in no project of ours.
 */
export const listInstances = async (services: Services, options: ListOptions = {}): Promise<Listed> =>
  run(options, async () => {
    const { isOfAllProjects = false } = options;
    const [presences, isScan] = await Promise.all([
      listPresences(services),
      isOfAllProjects ? true : areMost(services),
    ]);
    const list = createList(options, namesOf(presences));
    const ofProject = isScan ? undefined : await listProjectInstances(services);
    if (ofProject) await readAll(services, list, ofProject);
    else await scan(services, list);
    const views = isOfAllProjects || ofProject ? list.views() : list.views().filter(isOf(services));
    const named = await nameHosts(services, views);
    return { instances: named.toSorted(inOrder), problems: list.problems };
  });

const isOf =
  ({ project }: Services) =>
  (view: InstanceView): boolean =>
    view.project === project;

/** So many are read quickly one by one. */
const FEW = 1_000;
/** One by one, a call reads 64 records; a scan, some hundreds. */
const SCAN_GAIN = 4;

/** Whether reading all instances of the cloud takes fewer calls than reading those of the project. */
const areMost = async ({ keys, store: open, project }: Services): Promise<boolean> => {
  const store = await open();
  const own = await store.count(keys.namesOf(project));
  return own > FEW && (await store.count(keys.reports)) < SCAN_GAIN * own;
};

/** What has been found so far. */
interface List {
  readonly isAll: boolean;
  readonly problems: Error[];
  /** Takes the value of a record's key. */
  readonly addReport: (instance: InstanceUuid, entry: Entry) => void;
  readonly add: (instance: InstanceUuid, toView: (hostNames: HostNames) => InstanceView) => void;
  readonly views: () => InstanceView[];
}

const createList = ({ isAll = false, isBrief = false }: ListOptions, hostNames: HostNames): List => {
  const problems: Error[] = [];
  const views = new Map<InstanceUuid, InstanceView>();
  const add: List['add'] = (instance, toView) => {
    const view = toView(hostNames);
    if (!views.has(instance) && (view.state !== 'deleted' || isAll)) views.set(instance, view);
  };
  return {
    isAll,
    problems,
    add,
    addReport: (instance, { key, value }) => {
      const record = unlessNotUnderstood(problems, () => parseMessage(instanceRecordSchema, key, value));
      if (record) add(instance, (names) => viewOfRecord(isBrief ? { ...record, transitions: [] } : record, names));
    },
    views: () => [...views.values()],
  };
};

/** Reads the records of some instances. Of requests, only those without a record are read. */
const readAll = async (services: Services, list: List, instances: readonly InstanceUuid[]): Promise<void> => {
  const { keys } = services;
  const store = await services.store();
  const readChunk = async (chunk: readonly InstanceUuid[]): Promise<void> => {
    const { entries: locations } = await store.getMany(chunk.map((instance) => keys.location(instance)));
    const places = locations.flatMap((entry, index) => {
      const instance = chunk[index];
      const stored =
        entry && unlessNotUnderstood(list.problems, () => parseMessage(storedLocationSchema, entry.key, entry.value));
      return instance && stored ? [{ instance, host: stored.host }] : [];
    });
    const { entries: reports } = await store.getMany(places.map(({ host, instance }) => keys.report(host, instance)));
    for (const [index, entry] of reports.entries()) {
      const instance = places[index]?.instance;
      if (instance && entry) list.addReport(instance, entry);
    }
    await addBare(
      services,
      list,
      places.filter((_place, index) => !reports[index]),
    );
  };
  const bounded = pLimit(PARALLEL);
  const chunks = Array.from({ length: Math.ceil(instances.length / MAX_OPERATIONS) }, (_, index) =>
    instances.slice(index * MAX_OPERATIONS, (index + 1) * MAX_OPERATIONS),
  );
  await Promise.all(chunks.map((chunk) => bounded(async () => readChunk(chunk))));
};

/** Reads everything: the records page by page, and of requests only the keys, but for those without a record. */
const scan = async (services: Services, list: List): Promise<void> => {
  const { keys } = services;
  const store = await services.store();
  const reported = new Set<InstanceUuid>();
  const [{ entries: requests }] = await Promise.all([
    store.listKeys(keys.requests),
    store.list(keys.reports, (entry) => {
      const instance = keys.parseReport(entry.key)?.instance;
      if (instance === undefined) return;
      reported.add(instance);
      list.addReport(instance, entry);
    }),
  ]);
  const bare = requests
    .flatMap(({ key }) => keys.parseRequest(key) ?? [])
    .filter(({ instance }) => !reported.has(instance));
  await addBare(services, list, bare);
  if (!list.isAll) return;
  for (const record of await listOldRecords(services))
    list.add(record.instance, (hostNames) => viewOfRecord(record, hostNames));
};

/** Instances without a record: the original's, and those of agents that have not been upgraded yet. */
const addBare = async (services: Services, list: List, bare: readonly Sought[]): Promise<void> => {
  for (let start = 0; start < bare.length; start += CHUNK)
    for (const entry of await readBare(services, bare.slice(start, start + CHUNK), list.problems))
      list.add(entry.instance, (hostNames) => viewOf(entry, hostNames));
};

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
