import { EcomputeError } from '@etcd-compute/common/errors';
import { isDestroyWish } from '@etcd-compute/common/etcd/messages/boot-request';
import {
  DELETED_TTL_SECONDS,
  withState,
  type InstanceRecord,
} from '@etcd-compute/common/etcd/messages/instance-record';
import type { Write } from '@etcd-compute/common/etcd/store';
import type { Services } from '../services.js';
import type { Presences } from '../hosts/presences.js';
import { closeBooks } from '../instances/books.js';
import { readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import { writeDestroyWish } from './write-destroy.js';

/** How often the record or the request may change under us before we give up. */
const ATTEMPTS = 5;

/**
 * Only what is on a host that is down may be given up. Down is a host of ours without presence: an agent of the original never shows one.
 *
 * @throws EcomputeError ECOMPUTE_HOST_UP, or ECOMPUTE_HOST_UNKNOWN where nothing tells that an agent of ours was ever there.
 */
export const checkHostDown = async (services: Services, entry: InstanceEntry, presences: Presences): Promise<void> => {
  const { instance, host, record } = entry;
  const presence = presences.get(host);
  if (presence)
    throw new EcomputeError(
      'ECOMPUTE_HOST_UP',
      `could not destroy instance ${instance} by force: its host ${presence.hostname} (${host}) is up`,
      {
        details: { instance, host },
        hint: 'destroy it without force: the agent of its host removes all of it',
      },
    );
  if (record || (await (await services.store()).get(services.keys.audit(host)))) return;
  throw new EcomputeError(
    'ECOMPUTE_HOST_UNKNOWN',
    `could not destroy instance ${instance} by force: no agent of ours has ever reported from its host ${host}, so whether it is down is not known`,
    { details: { instance, host }, hint: 'destroy it without force: that leaves it to the agent that is there' },
  );
};

/**
 * Gives up an instance whose host is down: the wish to be destroyed is written, and stays for the agent to find; the allocation is
 * released; the record is closed. May be repeated, and goes on where an earlier one was cut short. When the agent comes back
 * meanwhile, the instance is left to it: the wish is there already.
 *
 * @throws what etcd and Placement throw; the wish may then be written.
 */
export const forceDestroy = async (services: Services, found: InstanceEntry): Promise<'given-up' | 'not-given-up'> => {
  await writeDestroyWish(services, found);
  const store = await services.store();
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const [entry = found] = await readInstances(services, [found]);
    const { instance, host, request, requestRevision, recordKey, recordRevision } = entry;
    const agentKey = services.keys.agent(host);
    // No request: the agent was back, and is through with it.
    if (!request || (await store.get(agentKey))) return 'not-given-up';
    if (!isDestroyWish(request)) {
      await writeDestroyWish(services, entry);
      continue;
    }
    const released = await (await services.capacity()).releaseWith(instance);
    const { isCommitted } = await store.txn(
      [
        { key: agentKey, modRevision: '0' },
        { key: services.keys.request(host, instance), modRevision: requestRevision },
        { key: recordKey, modRevision: recordRevision },
        ...released.guards,
      ],
      [
        ...(await closeRecord(services, entry)),
        { op: 'delete', key: services.keys.booted(instance) },
        ...released.writes,
      ],
    );
    if (!isCommitted) continue;
    await closeBooks(services, { instances: [instance], isForced: true });
    return 'given-up';
  }
  const { instance } = found;
  throw new EcomputeError(
    'ECOMPUTE_INSTANCE_CHANGED',
    `could not destroy instance ${instance} by force: its request or its record keeps changing`,
    { details: { instance }, hint: 'the wish to destroy it is written; try again' },
  );
};

const closeRecord = async (services: Services, { host, record, recordKey }: InstanceEntry): Promise<Write[]> => {
  if (!record || record.state === 'deleted') return [];
  const now = new Date();
  const reason = `given up by force while its host ${host} was down: its domain and disk may be there until its agent is back`;
  const deleting: InstanceRecord = withState(record, 'deleting', { reason: 'asked to be destroyed by force', now });
  const value = withState(deleting, 'deleted', { reason, now, step: null, addresses: [] });
  const lease = await (await services.store()).grantLease(DELETED_TTL_SECONDS);
  return [{ op: 'put', key: recordKey, value: JSON.stringify(value), lease: lease.id }];
};
