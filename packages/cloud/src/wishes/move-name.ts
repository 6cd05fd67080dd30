import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { nameHolderSchema, renderHolder } from '@etcd-compute/common/etcd/messages/name-holder';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Guard, Write } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { describeInstance, nameOf, type InstanceEntry } from '../instances/instance-entry.js';
import { checkOldNames, findFreeNames } from '../instances/names.js';
import type { Services } from '../services.js';

/**
 * What an instance that gets another name changes besides its request: the key of the name, and its location.
 *
 * @throws EcomputeError ECOMPUTE_INSTANCE_NAME_TAKEN
 */
export const moveName = async (
  services: Services,
  entry: InstanceEntry,
  name: string | undefined,
): Promise<{ guards: readonly Guard[]; writes: readonly Write[] }> => {
  const { keys } = services;
  const { instance, location, locationRevision } = entry;
  const before = nameOf(entry);
  if (name === undefined || name === before) return { guards: [], writes: [] };
  if (!location)
    throw new EcomputeError(
      'ECOMPUTE_HOST_NOT_UPGRADED',
      `could not rename instance ${describeInstance(entry)}: its record is still where earlier versions had it`,
      { details: { instance, host: entry.host }, hint: 'start the agent of its host once' },
    );
  const own = { ...services, project: location.project };
  const free = await findFreeNames(own, [name]);
  await checkOldNames(own, [name]);
  const old = await findOwnNames(own, { instance, name: before });
  const moved: InstanceLocation = { ...location, name };
  return {
    guards: [...(free.get(name) ?? []), { key: keys.location(instance), modRevision: locationRevision }, ...old],
    writes: [
      { op: 'put', key: keys.name(location.project, name), value: renderHolder(instance) },
      { op: 'put', key: keys.location(instance), value: JSON.stringify(moved) },
      ...old.map(({ key }) => ({ op: 'delete', key }) as const),
    ],
  };
};

/** Where it stands in its project now. In version 1 two could have the same name, which only one of them has kept. */
const findOwnNames = async (
  { keys, project, store }: Services,
  { instance, name }: { instance: InstanceUuid; name: string | null },
): Promise<Guard[]> => {
  const names = [keys.name(project, instance), ...(name === null ? [] : [keys.name(project, name)])];
  const { entries } = await (await store()).getMany(names);
  return entries.flatMap((entry) => {
    const isOwn = entry && parseMessage(nameHolderSchema, entry.key, entry.value).instance === instance;
    return isOwn ? [{ key: entry.key, modRevision: entry.modRevision }] : [];
  });
};
