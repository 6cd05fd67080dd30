import { EcomputeError } from '@etcd-compute/common/errors';
import { isDestroyWish, type BootRequest, type PowerWish } from '@etcd-compute/common/etcd/messages/boot-request';
import type { Services } from '../services.js';
import { nameOf, type InstanceEntry } from '../instances/instance-entry.js';
import { rewriteRequest } from './rewrite-request.js';

type Wish = Pick<PowerWish, 'wish' | 'hard'>;

/**
 * Asks for a guest to be started, stopped or rebooted.
 *
 * @returns the count of the wish: the record has it when the wish was carried out.
 * @throws EcomputeError when the instance is in no state for it, and what etcd throws; the instance is then as it was.
 */
export const writePowerWish = async (
  services: Services,
  found: InstanceEntry,
  { wish, hard }: Wish,
): Promise<number> => {
  let count = 0;
  await rewriteRequest(services, found, {
    verb: 'change the power of',
    render: async (entry) => {
      const request = requestOf(entry);
      count = Math.max(request.power?.count ?? 0, entry.record?.power_count ?? 0) + 1;
      return { ...request, version: 1, power: { wish, count, hard } };
    },
  });
  return count;
};

/** @throws EcomputeError when there is no guest to start or stop, and none is on its way. */
const requestOf = (entry: InstanceEntry): BootRequest => {
  const { instance, record, request } = entry;
  const what = nameOf(entry) === null ? `instance ${instance}` : `instance ${nameOf(entry)} (${instance})`;
  const details = { instance, host: entry.host };
  if (!request || isDestroyWish(request) || record?.state === 'deleting' || record?.state === 'deleted') {
    const message = `${what} is ${record?.state === 'deleted' ? 'deleted' : 'being destroyed'}`;
    throw new EcomputeError('ECOMPUTE_INSTANCE_UNKNOWN', message, { details });
  }
  if (!record)
    throw new EcomputeError('ECOMPUTE_REQUEST_INVALID', `${what} has no record: no agent that knows this wish has it`, {
      details,
      hint: 'the original ecompute only boots and destroys; wait for the agent of its host',
    });
  if (record.state === 'error')
    throw new EcomputeError(
      'ECOMPUTE_INSTANCE_FAILED',
      `${what} is in error: ${record.fault?.message ?? 'no reason'}`,
      {
        details,
        hint: 'destroy it, and boot again',
      },
    );
  return request;
};
