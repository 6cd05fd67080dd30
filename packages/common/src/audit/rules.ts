import { isDestroyWish, resourcesOn, type BootRequest } from '../etcd/messages/boot-request.js';
import { isDomainLost, type InstanceRecord } from '../etcd/messages/instance-record.js';
import type { ProviderUuid } from '../ids.js';

/* What fits together and what does not: the agents' audits and `eschedule audit` judge by the same rules. Pure. */

/** Of our scheduler, and of consumers from before consumer types, as the original's are. */
const OUR_CONSUMER_TYPES: readonly unknown[] = ['INSTANCE', 'unknown', undefined];

/**
 * Whether a consumer that holds something on a host of ours may be one of our instances. A consumer of another type is somebody
 * else's, and so is everything on a provider that is no host of ours.
 */
export const isOurConsumerType = (consumerType: unknown): boolean => OUR_CONSUMER_TYPES.includes(consumerType);

/** A live instance: its record stands for something. A deleted one is only remembered. */
export const isLive = (record: InstanceRecord | undefined): record is InstanceRecord =>
  record !== undefined && record.state !== 'deleted';

/** The step in which an agent that shelves an instance gives back its allocation. */
export const RELEASE_ROOM_STEP = 'release-room';

/**
 * Whether an instance with this request must hold an allocation on the host. A build that failed has given its allocation back,
 * one that is being undone or destroyed is about to, and one that is shelved has none.
 */
export const needsAllocation = (
  request: BootRequest,
  record: InstanceRecord | undefined,
  host: ProviderUuid,
): boolean => {
  const resources = resourcesOn(request, host);
  if (isDestroyWish(request) || !resources || Object.keys(resources).length === 0) return false;
  if (!isLive(record)) return true;
  if (record.host !== host) return false;
  if (record.state === 'building') return record.fault === null;
  if (record.step?.name === RELEASE_ROOM_STEP) return false;
  return (
    isDomainLost(record) || (record.state !== 'error' && record.state !== 'deleting' && record.state !== 'shelved')
  );
};
