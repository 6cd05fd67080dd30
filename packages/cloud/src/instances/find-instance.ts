import { EcomputeError } from '@etcd-compute/common/errors';
import { storedLocationSchema } from '@etcd-compute/common/etcd/messages/instance-location';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { nameHolderSchema } from '@etcd-compute/common/etcd/messages/name-holder';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { instanceNameSchema, instanceUuidSchema, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { parseJson } from '@etcd-compute/common/parse-json';
import { hostOfAllocations } from '@etcd-compute/common/capacity/candidate';
import type { Services } from '../services.js';
import { readInstances, type InstanceEntry } from './instance-entry.js';

export interface FindOptions {
  /** Also find what only Placement knows, such as what a boot that was cut short has allocated. */
  readonly isAllocationEnough?: boolean;
}

/**
 * The instances of some uuids or names, each once. A name is looked up in the caller's project. What is found costs a few reads,
 * however many instances there are; only one that is not found where it should be is looked for among all keys.
 *
 * @throws EcomputeError ECOMPUTE_INSTANCE_UNKNOWN, or ECOMPUTE_INSTANCE_AMBIGUOUS with the uuids.
 */
export const findInstances = async (
  services: Services,
  uuidsOrNames: readonly string[],
  options: FindOptions = {},
): Promise<InstanceEntry[]> => {
  const uuids = await toUuids(services, uuidsOrNames);
  const read = await readInstances(
    services,
    uuids.map((instance) => ({ instance })),
  );
  const found = await Promise.all(
    read.map(async (entry, index) => {
      const [instance, text] = [uuids[index], uuidsOrNames[index]];
      if (entry && !isNothing(entry)) return entry;
      const elsewhere = instance && (await searchFor(services, instance, options));
      if (!elsewhere) throw unknownInstance(text ?? '');
      return elsewhere;
    }),
  );
  return [...new Map(found.map((entry) => [entry.instance, entry])).values()];
};

export const findInstance = async (services: Services, uuidOrName: string): Promise<InstanceEntry> => {
  const [entry] = await findInstances(services, [uuidOrName]);
  if (!entry) throw unknownInstance(uuidOrName);
  return entry;
};

const isNothing = ({ request, record }: InstanceEntry): boolean => !request && !record;

const toUuids = async (services: Services, texts: readonly string[]): Promise<InstanceUuid[]> => {
  const { keys, project } = services;
  const isName = (text: string): boolean =>
    !instanceUuidSchema.safeParse(text).success && instanceNameSchema.safeParse(text).success;
  const names = [...new Set(texts.filter(isName))];
  const { entries } = await (await services.store()).getMany(names.map((name) => keys.name(project, name)));
  const holders = new Map<string, InstanceUuid>();
  for (const [index, entry] of entries.entries())
    if (entry) holders.set(names[index] ?? '', parseMessage(nameHolderSchema, entry.key, entry.value).instance);
  return Promise.all(
    texts.map(async (text) => {
      const instance =
        instanceUuidSchema.safeParse(text).data ??
        holders.get(text) ??
        (isName(text) ? await findOldName(services, text) : undefined);
      if (instance === undefined) throw unknownInstance(text);
      return instance;
    }),
  );
};

/** The records that stand where version 1 had them: their agents have not been upgraded yet. */
export const listOldRecords = async (services: Services): Promise<InstanceRecord[]> => {
  const { entries } = await (
    await services.store()
  ).list(services.keys.locations, ({ key, value }): InstanceRecord[] => {
    // Nearly all are locations: those need not be parsed.
    if (value.startsWith('{"version":2,')) return [];
    const stored = parseJson(storedLocationSchema, value);
    return services.keys.parseLocation(key) !== undefined && stored?.version === 1 ? [stored] : [];
  });
  return entries.flat();
};

/** In version 1 a name stood in the record alone. A name is that of the one live instance that has it, or of the last deleted one. */
const findOldName = async (services: Services, name: string): Promise<InstanceUuid | undefined> => {
  const named = (await listOldRecords(services)).filter((record) => record.name === name);
  const live = named.filter(({ state }) => state !== 'deleted');
  if (live.length > 1) throw ambiguousName(name, live);
  const deleted = named
    .filter(({ state }) => state === 'deleted')
    .toSorted((a, b) => b.updated_at.localeCompare(a.updated_at));
  return (live[0] ?? deleted[0])?.instance;
};

/** An instance without a location is the original's, or of a boot that was cut short. */
const searchFor = async (
  services: Services,
  instance: InstanceUuid,
  { isAllocationEnough = false }: FindOptions,
): Promise<InstanceEntry | undefined> => {
  const { allocations } = await (await services.capacity()).read(instance);
  const allocatedOn = hostOfAllocations(allocations);
  const host = allocatedOn ?? (await searchKeys(services, instance));
  if (host === undefined) return undefined;
  const [entry] = await readInstances(services, [{ instance, host }]);
  return entry && (!isNothing(entry) || (isAllocationEnough && allocatedOn !== undefined)) ? entry : undefined;
};

/** Not even Placement knows it: without its values, all that is in etcd about instances is looked through. */
const searchKeys = async (services: Services, instance: InstanceUuid): Promise<ProviderUuid | undefined> => {
  const { keys } = services;
  const store = await services.store();
  for (const prefix of [keys.requests, keys.reports]) {
    const { entries } = await store.listKeys(prefix);
    const found = entries.find(({ key }) => key.endsWith(`/${instance}`));
    const parsed = found && (keys.parseRequest(found.key) ?? keys.parseReport(found.key));
    if (parsed) return parsed.host;
  }
  return undefined;
};

export const unknownInstance = (uuidOrName: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_INSTANCE_UNKNOWN', `there is no instance '${uuidOrName}'`, {
    details: { instance: uuidOrName },
    hint: 'deleted instances can be found by uuid for an hour',
  });

const ambiguousName = (name: string, records: readonly InstanceRecord[]): EcomputeError => {
  const lines = records.map(({ instance, state, host }) => `\n  ${instance} (${state} on ${host})`);
  return new EcomputeError(
    'ECOMPUTE_INSTANCE_AMBIGUOUS',
    `${records.length} instances are named '${name}'${lines.join('')}`,
    {
      details: { name, instances: records.map(({ instance }) => instance) },
      hint: 'give the uuid of the one you mean',
    },
  );
};
