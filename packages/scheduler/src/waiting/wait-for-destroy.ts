import { EcomputeError } from '@etcd-compute/common/errors';
import { getAllocations } from '@etcd-compute/common/placement/allocations';
import type { CommandContext } from '../commands/context.js';
import type { Cloud } from '../cloud.js';
import { explainHosts } from '../hosts/explain-agent.js';
import { closeBooks } from '../instances/close-books.js';
import { isGone, readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import { readPresences, type Presences } from '../hosts/presences.js';
import { isIn, waitUntil } from './wait-until.js';

/**
 * Waits until the instances are gone, and closes their books. Of an instance of the original there is no record, and the request stays
 * for ever; it is gone when Placement holds nothing for it.
 *
 * @returns the error of those that are not gone in time; undefined when all are.
 */
export const waitForDestroy = async (
  { cloud, interruption, output }: CommandContext,
  entries: readonly InstanceEntry[],
  timeoutMs: number,
): Promise<EcomputeError | undefined> => {
  const pending = new Map(entries.map((entry) => [entry.instance, entry]));
  const keysOf = ({ host, instance, recordKey }: InstanceEntry): string[] => [
    cloud.keys.request(host, instance),
    recordKey,
  ];
  const end = await waitUntil({
    store: await cloud.store(),
    keys: () => [...pending.values()].flatMap(keysOf),
    timeoutMs,
    signal: interruption.signal,
    check: async (changed) => {
      const before = pending.size;
      const looked = [...pending.values()].filter((entry) => keysOf(entry).some((key) => isIn(changed, key)));
      for (const [index, entry] of (await readInstances(cloud, looked)).entries()) {
        const instance = looked[index]?.instance;
        if (instance === undefined) continue;
        if (!entry || (await isThrough(cloud, entry))) pending.delete(instance);
        else pending.set(instance, entry);
      }
      if (pending.size < before && pending.size > 0) output.progress(`${pending.size} left`);
      return pending.size === 0;
    },
  });
  await closeBooks(cloud, { instances: entries.map(({ instance }) => instance) });
  if (end === 'done') return undefined;
  const left = [...pending.values()];
  const presences = await readPresences(
    cloud,
    left.map(({ host }) => host),
  );
  return notGone(left, { presences, timeoutMs });
};

const isThrough = async (cloud: Cloud, entry: InstanceEntry): Promise<boolean> => {
  if (!entry.request || entry.record) return isGone(entry);
  const { allocations } = await getAllocations(await cloud.placement(), entry.instance);
  return Object.keys(allocations).length === 0;
};

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
