import { isDestroyWish, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { getAllocations, type Allocations } from '@etcd-compute/common/placement/allocations';
import type { Cloud } from '../cloud.js';
import type { InstanceEntry } from '../instances/snapshot.js';
import { rewriteRequest } from './rewrite-request.js';

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

/** Destroyed by someone else, to the end. */
const isOver = ({ request, record }: InstanceEntry): boolean => !request && (!record || record.state === 'deleted');

/**
 * Asks for the end of an instance. May be repeated.
 *
 * @throws EcomputeError ECOMPUTE_INSTANCE_CHANGED when others keep changing the request, and what etcd and Placement throw; the
 *   instance is then as it was.
 */
export const writeDestroyWish = async (cloud: Cloud, found: InstanceEntry): Promise<void> => {
  const placement = await cloud.placement();
  await rewriteRequest(cloud, found, {
    verb: 'destroy',
    render: async (entry) => {
      const { instance, request } = entry;
      if (request && isDestroyWish(request)) return 'done';
      // What is only in Placement is asked for all the same: the agent releases it.
      if (entry !== found && isOver(entry)) return 'done';
      return renderDestroyWish(entry, { held: await getAllocations(placement, instance), before: request });
    },
  });
};
