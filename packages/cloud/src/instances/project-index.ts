import { EcomputeError } from '@etcd-compute/common/errors';
import { storedLocationSchema } from '@etcd-compute/common/etcd/messages/instance-location';
import { nameHolderSchema, renderHolder } from '@etcd-compute/common/etcd/messages/name-holder';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { MAX_OPERATIONS, type Guard, type Write } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';

/*
 * The instances of a project are below one prefix, `/names/<project>/`: under their names, or under their uuids. Earlier versions left
 * out those without a name, and version 1 all of them. Whoever first lists a project adds what is missing, and notes that all is there.
 */

/** The instances of the caller's project; undefined while not all of them stand there. */
export const listProjectInstances = async (services: Services): Promise<readonly InstanceUuid[] | undefined> => {
  const { keys, project } = services;
  if (!(await isComplete(services))) return undefined;
  const store = await services.store();
  const { entries } = await store.list(keys.namesOf(project), ({ key, value }) =>
    keys.parseName(key) ? [parseMessage(nameHolderSchema, key, value).instance] : [],
  );
  return [...new Set(entries.flat())];
};

const isComplete = async (services: Services): Promise<boolean> => {
  const store = await services.store();
  if (await store.get(services.keys.namesComplete)) return true;
  try {
    return await complete(services);
  } catch (err) {
    // Such as one who may not write, or a value that is not understood: all instances are read instead.
    if (err instanceof EcomputeError && !err.retryable) return false;
    throw err;
  }
};

interface Missing {
  readonly guards: readonly Guard[];
  readonly write: Write;
}

/** @returns false when an agent has records of version 1 to move, or somebody else was quicker. */
const complete = async (services: Services): Promise<boolean> => {
  const { keys } = services;
  const store = await services.store();
  // First the locations: what is booted after that stands in its project.
  const { entries: locations } = await store.list(keys.locations, ({ key, value, modRevision, lease }) => {
    const instance = keys.parseLocation(key);
    if (instance === undefined) return [];
    return [{ key, modRevision, lease, instance, location: parseMessage(storedLocationSchema, key, value) }];
  });
  const { entries: holders } = await store.list(keys.names, ({ key, value }) =>
    keys.parseName(key) ? [parseMessage(nameHolderSchema, key, value).instance] : [],
  );
  const known = new Set(holders.flat());
  const missing: Missing[] = [];
  for (const { key, modRevision, lease, instance, location } of locations.flat()) {
    if (location.version === 1) return false;
    if (known.has(instance)) continue;
    const nameKey = keys.name(location.project, instance);
    missing.push({
      guards: [
        { key: nameKey, modRevision: '0' },
        { key, modRevision },
      ],
      write: { op: 'put', key: nameKey, value: renderHolder(instance), ...(lease !== '0' && { lease }) },
    });
  }
  const atOnce = MAX_OPERATIONS / 2;
  for (let start = 0; start < missing.length; start += atOnce) {
    const chunk = missing.slice(start, start + atOnce);
    const guards = chunk.flatMap((one) => one.guards);
    const writes = chunk.map(({ write }) => write);
    if (!(await store.txn(guards, writes)).isCommitted) return false;
  }
  const marker = { key: keys.namesComplete, modRevision: '0' };
  await store.txn([marker], [{ op: 'put', key: marker.key, value: JSON.stringify({ version: 1 }) }]);
  return true;
};
