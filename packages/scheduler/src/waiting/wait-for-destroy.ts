import { EcomputeError } from '@etcd-compute/common/errors';
import { getAllocations } from '@etcd-compute/common/placement/allocations';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { CommandContext } from '../commands/context.js';
import { readRecordsOf, type InstanceEntry } from '../instances/snapshot.js';
import { explainHosts } from '../hosts/explain-agent.js';
import { readPresences, type Presences } from '../hosts/presences.js';
import { isIn, waitUntil } from './wait-until.js';

/**
 * Waits until the instances are gone: the record says so and the request is removed. Of an instance of the original there is no
 * record, and the request stays for ever; it is gone when Placement holds nothing for it.
 *
 * @returns the error of those that are not gone in time; undefined when all are.
 */
export const waitForDestroy = async (
  { cloud, interruption, output }: CommandContext,
  entries: readonly InstanceEntry[],
  timeoutMs: number,
): Promise<EcomputeError | undefined> => {
  const store = await cloud.store();
  const pending = new Set(entries);
  const requestKey = ({ host, instance }: InstanceEntry): string => cloud.keys.request(host, instance);
  const recordKey = ({ instance }: InstanceEntry): string => cloud.keys.record(instance);
  const isGone = async ({ instance }: InstanceEntry, { request, record }: Seen): Promise<boolean> => {
    if (!request) return !record || record.state === 'deleted';
    if (record) return false;
    const { allocations } = await getAllocations(await cloud.placement(), instance);
    return Object.keys(allocations).length === 0;
  };
  const end = await waitUntil({
    store,
    keys: () => entries.flatMap((entry) => [requestKey(entry), recordKey(entry)]),
    timeoutMs,
    signal: interruption.signal,
    check: async (changed) => {
      const before = pending.size;
      const looked = [...pending].filter(
        (entry) => isIn(changed, requestKey(entry)) || isIn(changed, recordKey(entry)),
      );
      const records = await readRecordsOf(
        cloud,
        looked.map(({ instance }) => instance),
      );
      const { entries: requests } = await store.getMany(looked.map(requestKey));
      for (const [index, entry] of looked.entries())
        if (await isGone(entry, { request: requests[index], record: records[index]?.record })) pending.delete(entry);
      if (pending.size < before && pending.size > 0) output.progress(`${pending.size} left`);
      return pending.size === 0;
    },
  });
  if (end === 'done') return undefined;
  const left = [...pending];
  const presences = await readPresences(
    cloud,
    left.map(({ host }) => host),
  );
  return notGone(left, { presences, timeoutMs });
};

interface Seen {
  readonly request: unknown;
  readonly record: InstanceRecord | undefined;
}

const notGone = (
  pending: readonly InstanceEntry[],
  { presences, timeoutMs }: { presences: Presences; timeoutMs: number },
): EcomputeError => {
  const uuids = pending.map(({ instance }) => instance);
  const what = uuids.length === 1 ? `instance ${uuids[0]} is` : `${uuids.length} instances are`;
  const down = [...new Set(pending.flatMap(({ record, host }) => (record && !presences.has(host) ? [host] : [])))];
  // An agent of the original leaves no sign of life, and no record either.
  const why = explainHosts(
    pending.flatMap(({ record, host }) => (record ? [host] : [])),
    presences,
  );
  return new EcomputeError('ECOMPUTE_TIMED_OUT', `${what} not gone after ${timeoutMs / 1000} s${why}`, {
    details: { instances: uuids, hostsDown: down },
    hint:
      down.length === 0
        ? `the wish stands: see \`eschedule show ${uuids[0]}\`, and \`eschedule hosts\` for whether the agent of its host is up`
        : `the wish stands, and is carried out when the agent is back; \`eschedule destroy --force ${uuids[0]}\` does not wait for it`,
  });
};
