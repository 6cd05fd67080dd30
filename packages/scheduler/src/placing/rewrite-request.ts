import { EcomputeError } from '@etcd-compute/common/errors';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { Cloud } from '../cloud.js';
import { rereadEntry, type InstanceEntry } from '../instances/snapshot.js';
import { commit } from './commit.js';

/** How often the request may change under us before we give up. */
const ATTEMPTS = 5;

/**
 * Changes the boot request of an instance, which is how a person's later intents are told.
 *
 * @param render the new request, from what is there; `done` when there is nothing to ask for any more. Called again, with what is there
 *   then, when somebody else has changed the request meanwhile.
 * @param verb completes "could not … instance <uuid>".
 * @throws EcomputeError ECOMPUTE_INSTANCE_CHANGED when others keep changing the request, and what `render` and etcd throw; the
 *   instance is then as it was.
 */
export const rewriteRequest = async (
  cloud: Cloud,
  found: InstanceEntry,
  { verb, render }: { verb: string; render: (entry: InstanceEntry) => Promise<BootRequest | 'done'> },
): Promise<void> => {
  const store = await cloud.store();
  const patienceMs = 2 * cloud.config.etcd.timeout * 1000;
  const { instance, host } = found;
  const key = cloud.keys.request(host, instance);
  let entry = found;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const request = await render(entry);
    if (request === 'done') return;
    const guards = [{ key, modRevision: entry.requestRevision }];
    const writes = [{ op: 'put', key, value: JSON.stringify(request) }] as const;
    const result = await commit({ store, guards, writes, patienceMs });
    if (result.outcome === 'committed') return;
    if (result.outcome !== 'lost-race') throw result.err;
    entry = await rereadEntry(cloud, entry);
  }
  throw new EcomputeError(
    'ECOMPUTE_INSTANCE_CHANGED',
    `could not ${verb} instance ${instance}: its request keeps changing`,
    { details: { instance, host }, hint: 'try again' },
  );
};
