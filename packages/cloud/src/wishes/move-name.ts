import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import type { NameHolder } from '@etcd-compute/common/etcd/messages/name-holder';
import type { Guard, Write } from '@etcd-compute/common/etcd/store';
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
  const old = before === null ? undefined : await (await services.store()).get(keys.name(location.project, before));
  const holder: NameHolder = { version: 1, instance };
  const moved: InstanceLocation = { ...location, name };
  return {
    guards: [
      ...(free.get(name) ?? []),
      { key: keys.location(instance), modRevision: locationRevision },
      ...(old ? [{ key: old.key, modRevision: old.modRevision }] : []),
    ],
    writes: [
      { op: 'put', key: keys.name(location.project, name), value: JSON.stringify(holder) },
      { op: 'put', key: keys.location(instance), value: JSON.stringify(moved) },
      ...(old ? [{ op: 'delete', key: old.key } as const] : []),
    ],
  };
};
