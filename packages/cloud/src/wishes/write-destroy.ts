import { isDestroyWish, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { Ending } from '@etcd-compute/common/etcd/messages/ending';
import type { Write } from '@etcd-compute/common/etcd/store';
import { DEFAULT_PROJECT } from '@etcd-compute/common/ids';
import type { Held } from '@etcd-compute/common/capacity/capacity';
import type { Services } from '../services.js';
import { isGone, nameOf, type InstanceEntry } from '../instances/instance-entry.js';
import { both } from '../placing/along.js';
import { checkUnlocked, type AskAlong } from './check-may-ask.js';
import { rewriteRequest } from './rewrite-request.js';

/**
 * Overwrites the boot request with the wish to be destroyed, in the original's words: what Placement holds, without allocations. An agent
 * of the original sends these members on to Placement, so there is none of ours among them.
 */
export const renderDestroyWish = (
  { instance }: Pick<InstanceEntry, 'instance'>,
  { held, before }: { held: Held; before: BootRequest | undefined },
): BootRequest => ({
  ...(before?.user_id !== undefined && { user_id: before.user_id }),
  ...(before?.project_id !== undefined && { project_id: before.project_id }),
  ...(held.userId !== undefined && { user_id: held.userId }),
  ...(held.projectId !== undefined && { project_id: held.projectId }),
  ...(held.consumerType !== undefined && { consumer_type: held.consumerType }),
  consumer_generation: held.generation,
  allocations: {},
  instance,
  image: null,
});

/** That its books are to be closed. What the original has booted has none. */
export const renderEnding = ({ keys }: Services, entry: InstanceEntry): (Write & { op: 'put' })[] => {
  const { instance, host, location, record, recordKey } = entry;
  // A record that stands there still will be moved, and leave a location.
  if (!location && recordKey !== keys.location(instance)) return [];
  const project = location?.project ?? record?.project ?? DEFAULT_PROJECT;
  const value: Ending = { version: 1, host, project, name: nameOf(entry) };
  return [{ op: 'put', key: keys.ending(instance), value: JSON.stringify(value) }];
};

/** Older versions write no such key. */
const ensureEnding = async (services: Services, entry: InstanceEntry): Promise<void> => {
  const store = await services.store();
  for (const put of renderEnding(services, entry)) await store.txn([{ key: put.key, modRevision: '0' }], [put]);
};

/**
 * Asks for the destruction of an instance. Repeatable.
 *
 * @returns the new request; undefined when the agent is already done with the instance.
 * @throws EcomputeError ECOMPUTE_INSTANCE_CHANGED when others keep changing the request, and what etcd and Placement throw; the
 *   instance is then as it was.
 */
export const writeDestroyWish = async (
  services: Services,
  found: InstanceEntry,
  along?: AskAlong,
): Promise<BootRequest | undefined> => {
  const capacity = await services.capacity();
  return rewriteRequest(services, found, {
    verb: 'destroy',
    render: async (entry) => {
      const { instance, request } = entry;
      checkUnlocked(entry);
      if (request && isDestroyWish(request)) {
        await ensureEnding(services, entry);
        return 'done';
      }
      // For what is only in Placement, the request is written anyway: the agent releases it.
      if (entry !== found && isGone(entry)) return 'done';
      return renderDestroyWish(entry, { held: await capacity.read(instance), before: request });
    },
    also: async (entry) => {
      const own = { guards: [], writes: renderEnding(services, entry) };
      return along ? both(own, await along(entry, undefined)) : own;
    },
  });
};
