import { EcomputeError } from '@etcd-compute/common/errors';
import { isDestroyWish, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { getAllocations, type Allocations } from '@etcd-compute/common/placement/allocations';
import type { Cloud } from '../cloud.js';
import { rereadEntry, type InstanceEntry } from '../instances/snapshot.js';
import { commit } from './commit.js';

/** How often the request may change under us before we give up. */
const ATTEMPTS = 5;

/**
 * Overwrites the boot request with the wish to be destroyed, in the original's words: what Placement holds, without allocations. An agent
 * of the original sends these members on to Placement, so there is none of ours among them.
 */
export const renderDestroyWish = (
  { instance }: Pick<InstanceEntry, 'instance'>,
  { held, before }: { held: Allocations; before: BootRequest | undefined },
): BootRequest => ({
  ...(before?.user_id !== undefined && { user_id: before.user_id }),
  ...(before?.project_id !== undefined && { project_id: before.project_id }),
  consumer_generation: null,
  ...held,
  allocations: {},
  instance,
  image: null,
});

/**
 * Asks for the end of an instance. May be repeated.
 *
 * @throws EcomputeError ECOMPUTE_INSTANCE_CHANGED when others keep changing the request, and what etcd and Placement throw; the
 *   instance is then as it was.
 */
export const writeDestroyWish = async (cloud: Cloud, found: InstanceEntry): Promise<void> => {
  const [store, placement] = await Promise.all([cloud.store(), cloud.placement()]);
  const patienceMs = 2 * cloud.config.etcd.timeout * 1000;
  let entry = found;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { instance, request, requestRevision } = entry;
    if (request && isDestroyWish(request)) return;
    const key = cloud.keys.request(entry.host, instance);
    const held = await getAllocations(placement, instance);
    const value = JSON.stringify(renderDestroyWish(entry, { held, before: request }));
    const guards = [{ key, modRevision: requestRevision }];
    const result = await commit({ store, guards, writes: [{ op: 'put', key, value }], patienceMs });
    if (result.outcome === 'committed') return;
    if (result.outcome !== 'lost-race') throw result.err;
    entry = await rereadEntry(cloud, entry);
    // Destroyed by someone else meanwhile, to the end.
    if (!entry.request && (!entry.record || entry.record.state === 'deleted')) return;
  }
  const { instance, host } = entry;
  throw new EcomputeError(
    'ECOMPUTE_INSTANCE_CHANGED',
    `could not destroy instance ${instance}: its request keeps changing`,
    {
      details: { instance, host },
      hint: 'try again',
    },
  );
};
