import { EcomputeError } from '@etcd-compute/common/errors';
import { getAllocations } from '@etcd-compute/common/placement/allocations';
import type { CommandContext } from '../commands/context.js';
import { readRecordsOf, type InstanceEntry } from '../instances/snapshot.js';
import { listPresences, type Presences } from '../hosts/list-presences.js';
import { prefixesToWatch, waitUntil } from './wait-until.js';

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
  let pending = [...entries];
  const isPending = async (entry: InstanceEntry): Promise<boolean> => {
    const { instance, host } = entry;
    const [[found], request] = await Promise.all([
      readRecordsOf(cloud, [instance]),
      store.get(cloud.keys.request(host, instance)),
    ]);
    if (request === undefined) return found !== undefined && found.record.state !== 'deleted';
    if (found) return true;
    const { allocations } = await getAllocations(await cloud.placement(), instance);
    return Object.keys(allocations).length > 0;
  };
  const end = await waitUntil({
    store,
    prefixes: [
      ...prefixesToWatch(
        entries.map(({ host, instance }) => cloud.keys.request(host, instance)),
        cloud.keys.requests,
      ),
      ...prefixesToWatch(
        entries.map(({ instance }) => cloud.keys.record(instance)),
        cloud.keys.records,
      ),
    ],
    timeoutMs,
    signal: interruption.signal,
    check: async () => {
      const before = pending.length;
      const states = await Promise.all(pending.map(isPending));
      pending = pending.filter((_, index) => states[index]);
      if (pending.length < before && pending.length > 0) output.progress(`${pending.length} left`);
      return pending.length === 0;
    },
  });
  if (end === 'done') return undefined;
  return notGone(pending, { presences: await listPresences(cloud), timeoutMs });
};

const notGone = (
  pending: readonly InstanceEntry[],
  { presences, timeoutMs }: { presences: Presences; timeoutMs: number },
): EcomputeError => {
  const uuids = pending.map(({ instance }) => instance);
  const what = uuids.length === 1 ? `instance ${uuids[0]} is` : `${uuids.length} instances are`;
  // An agent of the original leaves no sign of life, and no record either.
  const down = [...new Set(pending.flatMap(({ record, host }) => (record && !presences.has(host) ? [host] : [])))];
  const why = down.length === 0 ? '' : `: the agent of host ${down.join(', ')} is down`;
  return new EcomputeError('ECOMPUTE_TIMED_OUT', `${what} not gone after ${timeoutMs / 1000} s${why}`, {
    details: { instances: uuids, hostsDown: down },
    hint:
      down.length === 0
        ? `the wish stands: see \`eschedule show ${uuids[0]}\`, and \`eschedule hosts\` for whether the agent of its host is up`
        : `the wish stands, and is carried out when the agent is back; \`eschedule destroy --force ${uuids[0]}\` does not wait for it`,
  });
};
