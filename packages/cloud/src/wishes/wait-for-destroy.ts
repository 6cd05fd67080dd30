import { EcomputeError } from '@etcd-compute/common/errors';
import { explainHosts } from '../hosts/explain-agent.js';
import { readPresencesIfPossible, type Presences } from '../hosts/presences.js';
import { closeBooks, closeSomeBooks } from '../instances/books.js';
import { isGone, readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import type { Run } from '../run.js';
import type { Services } from '../services.js';
import { isIn, waitUntil } from '../wait-until.js';

export interface DestroyWait {
  /** As they were last seen, in the order given. */
  readonly entries: readonly InstanceEntry[];
  /** That some are not gone in time. */
  readonly error: EcomputeError | undefined;
}

/**
 * Waits until the instances are gone, and closes their books. Of an instance of the original there is no record, and the request stays
 * for ever; it is gone when Placement holds nothing for it.
 */
export const waitForDestroy = async (
  services: Services,
  { entries, timeoutMs }: { entries: readonly InstanceEntry[]; timeoutMs: number },
  { signal, emit }: Run,
): Promise<DestroyWait> => {
  const pending = new Map(entries.map((entry) => [entry.instance, entry]));
  const seen = new Map(pending);
  const keysOf = ({ host, instance, recordKey }: InstanceEntry): string[] => [
    services.keys.request(host, instance),
    recordKey,
  ];
  const end = await waitUntil({
    store: await services.store(),
    keys: () => [...pending.values()].flatMap(keysOf),
    timeoutMs,
    signal,
    check: async (changed) => {
      const before = pending.size;
      const looked = [...pending.values()].filter((entry) => keysOf(entry).some((key) => isIn(changed, key)));
      for (const [index, entry] of (await readInstances(services, looked)).entries()) {
        const instance = looked[index]?.instance;
        if (instance === undefined) continue;
        if (entry?.record || entry?.request) seen.set(instance, entry);
        if (!entry || (await isThrough(services, entry))) pending.delete(instance);
        else pending.set(instance, entry);
      }
      if (pending.size < before && pending.size > 0) emit({ type: 'destroying', left: pending.size });
      return pending.size === 0;
    },
  });
  const latest = entries.map((entry) => seen.get(entry.instance) ?? entry);
  const books = { instances: entries.map(({ instance }) => instance) };
  if (end === 'done') {
    await closeBooks(services, books);
    return { entries: latest, error: undefined };
  }
  await closeSomeBooks(services, books);
  const left = [...pending.values()];
  const presences = await readPresencesIfPossible(
    services,
    left.map(({ host }) => host),
  );
  return { entries: latest, error: notGone(left, { presences, timeoutMs }) };
};

const isThrough = async (services: Services, entry: InstanceEntry): Promise<boolean> => {
  if (!entry.request || entry.record) return isGone(entry);
  const { allocations } = await (await services.capacity()).read(entry.instance);
  return Object.keys(allocations).length === 0;
};

const notGone = (
  pending: readonly InstanceEntry[],
  { presences, timeoutMs }: { presences: Presences | undefined; timeoutMs: number },
): EcomputeError => {
  const uuids = pending.map(({ instance }) => instance);
  const what = uuids.length === 1 ? `instance ${uuids[0]} is` : `${uuids.length} instances are`;
  const down = [
    ...new Set(pending.flatMap(({ record, host }) => (record && presences?.has(host) === false ? [host] : []))),
  ];
  // An agent of the original leaves no sign of life, and no record either.
  const why = explainHosts(
    pending.flatMap(({ record, host }) => (record ? [host] : [])),
    presences,
  );
  return new EcomputeError('ECOMPUTE_TIMED_OUT', `${what} not gone after ${timeoutMs / 1000} s${why}`, {
    details: { waitedFor: 'destroy', instances: uuids, hostsDown: down },
    hint:
      down.length === 0
        ? 'the request is stored'
        : 'the request is stored, and the agent carries it out when it is back',
  });
};
