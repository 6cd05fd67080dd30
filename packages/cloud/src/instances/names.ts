import { EcomputeError } from '@etcd-compute/common/errors';
import { nameHolderSchema } from '@etcd-compute/common/etcd/messages/name-holder';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Entry, Guard } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';
import { listOldRecords } from './find-instance.js';
import { isGone, readInstances } from './instance-entry.js';

/** By name: what must not have changed when the name is taken. */
export type NameGuards = ReadonlyMap<string, readonly Guard[]>;

/**
 * Looks whether names are free in the caller's project. The name of an instance that is gone is free, also while its books are
 * still open.
 *
 * @throws EcomputeError ECOMPUTE_INSTANCE_NAME_TAKEN
 */
export const findFreeNames = async (services: Services, wanted: readonly (string | null)[]): Promise<NameGuards> => {
  const { keys, project } = services;
  const names = [...new Set(wanted.filter((name) => name !== null))];
  const { entries } = await (await services.store()).getMany(names.map((name) => keys.name(project, name)));
  const held = await readHolders(
    services,
    entries.filter((entry) => entry !== undefined),
  );
  return new Map(
    names.map((name, index) => {
      const entry = entries[index];
      const key = keys.name(project, name);
      if (!entry) return [name, [{ key, modRevision: '0' }]];
      const holder = held.get(key);
      if (holder?.isLive) throw nameTaken(name, holder.instance);
      return [name, [{ key, modRevision: entry.modRevision }, ...(holder ? [holder.stillGone] : [])]];
    }),
  );
};

interface Holder {
  readonly instance: InstanceUuid;
  readonly isLive: boolean;
  /** Holds while the instance has not come back. */
  readonly stillGone: Guard;
}

const readHolders = async (services: Services, entries: readonly Entry[]): Promise<ReadonlyMap<string, Holder>> => {
  if (entries.length === 0) return new Map();
  const instances = entries.map(({ key, value }) => parseMessage(nameHolderSchema, key, value).instance);
  const found = await readInstances(
    services,
    instances.map((instance) => ({ instance })),
  );
  return new Map(
    instances.map((instance, index): [string, Holder] => {
      const entry = found[index];
      const key = entry ? services.keys.request(entry.host, instance) : services.keys.location(instance);
      const isLive = entry !== undefined && !isGone(entry);
      return [entries[index]?.key ?? '', { instance, isLive, stillGone: { key, modRevision: '0' } }];
    }),
  );
};

/**
 * As long as there are agents of version 1, names are also in records that are not moved yet. To be asked then, because it reads more.
 *
 * @throws EcomputeError ECOMPUTE_INSTANCE_NAME_TAKEN
 */
export const checkOldNames = async (services: Services, wanted: readonly (string | null)[]): Promise<void> => {
  const names = new Set(wanted.filter((name) => name !== null));
  if (names.size === 0) return;
  for (const { name, state, instance } of await listOldRecords(services))
    if (name !== null && names.has(name) && state !== 'deleted') throw nameTaken(name, instance);
};

const nameTaken = (name: string, instance: InstanceUuid): EcomputeError =>
  new EcomputeError('ECOMPUTE_INSTANCE_NAME_TAKEN', `the name '${name}' is taken by instance ${instance}`, {
    details: { name, instance },
    hint: 'choose another name',
  });
