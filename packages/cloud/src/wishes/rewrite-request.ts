import { EcomputeError } from '@etcd-compute/common/errors';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { Services } from '../services.js';
import { readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import type { Guard, Write } from '@etcd-compute/common/etcd/store';
import { commit } from '../commit.js';

/** How often the request may change under us before we give up. */
const ATTEMPTS = 5;

interface Also {
  readonly guards?: readonly Guard[];
  readonly writes: readonly Write[];
}

export interface Rewrite {
  readonly verb: string;
  readonly render: (entry: InstanceEntry) => Promise<BootRequest | 'done'>;
  readonly also?: (entry: InstanceEntry, request: BootRequest) => Promise<Also>;
}

/**
 * Changes the boot request of an instance, which is how a person's later intents are told.
 *
 * @param render the new request, from what is there; `done` when there is nothing to ask for any more. Called again, with what is there
 *   then, when somebody else has changed the request meanwhile.
 * @param also what else is guarded and written in the same txn.
 * @param verb completes "could not … instance <uuid>".
 * @returns the request as it is then.
 * @throws EcomputeError ECOMPUTE_INSTANCE_CHANGED when others keep changing the request, and what `render` and etcd throw; the
 *   instance is then as it was.
 */
export const rewriteRequest = async (
  services: Services,
  found: InstanceEntry,
  { verb, render, also = async () => ({ writes: [] }) }: Rewrite,
): Promise<BootRequest | undefined> => {
  const store = await services.store();
  const { patienceMs } = services;
  const { instance } = found;
  let entry = found;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const request = await render(entry);
    if (request === 'done') return entry.request;
    const key = services.keys.request(entry.host, instance);
    const more = await also(entry, request);
    const guards = [{ key, modRevision: entry.requestRevision }, ...(more.guards ?? [])];
    const put = { op: 'put', key, value: JSON.stringify(request) } as const;
    const result = await commit({ store, guards, writes: [put, ...more.writes], patienceMs });
    if (result.outcome === 'committed') return request;
    if (result.outcome !== 'lost-race') throw result.err;
    entry = (await readInstances(services, [entry]))[0] ?? entry;
  }
  throw new EcomputeError(
    'ECOMPUTE_INSTANCE_CHANGED',
    `could not ${verb} instance ${instance}: its request keeps changing`,
    { details: { instance, host: entry.host }, hint: 'try again' },
  );
};
