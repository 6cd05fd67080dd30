import { toError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { DroppedHost } from '../selection/filters/presence.js';
import { allocateOne } from './allocate-one.js';
import { findHosts, type FindOptions, type FoundHosts } from './candidates.js';
import { placeBatch, type PlaceOutcome } from './place-batch.js';
import { writeOne } from './write-placed.js';
import type { InstanceSpec } from './write-request.js';
import type { InstanceUuid } from '@etcd-compute/common/ids';

/**
 * Places instances: candidates -> weigh -> allocate -> on 409 the next -> one txn for all that is written.
 *
 * What a crash in between leaves: after the allocation, an allocation without a request, which the host's agent finds and releases, or
 * nothing, where the allocation is part of the txn; after the txn, a placed instance.
 */
export interface Placer {
  /** The hosts as they were found last. */
  readonly found: () => Promise<FoundHosts>;
  /** Places several at once. @returns what became of each, in order. Never throws. */
  readonly placeMany: (specs: readonly InstanceSpec[]) => Promise<PlaceOutcome[]>;
}

/** How often the candidates are asked for again, when all of an answer were taken by others meanwhile. */
const ROUNDS = 3;

export interface PlacerOptions extends FindOptions {
  /** Gets the names of all hosts that are found. */
  readonly hostNames: Map<ProviderUuid, string>;
  /** Told of an allocation that Placement refused. */
  readonly onRefusal: (instance: InstanceUuid, err: Error) => void;
}

export const createPlacer = (options: PlacerOptions): Placer => {
  const { services, hostNames } = options;
  let latest: Promise<FoundHosts> | undefined;
  const find = async (): Promise<FoundHosts> => {
    const hosts = await findHosts(options);
    for (const [host, { hostname }] of hosts.presences) hostNames.set(host, hostname);
    return hosts;
  };
  const found = async (): Promise<FoundHosts> => (latest ??= find());
  /** All callers that have used up the same answer share the next one. */
  const findAgain = async (usedUp: FoundHosts): Promise<FoundHosts> => {
    if ((await latest) === usedUp) latest = find();
    return found();
  };

  /** @throws what Placement or etcd say; then nothing is left behind, or the error says what may be. */
  const place = async (spec: InstanceSpec): Promise<PlaceOutcome> => {
    const onRefusal = (err: Error): void => options.onRefusal(spec.instance, err);
    const dropped = new Map<ProviderUuid, string>();
    let hosts = await found();
    for (let round = 1; ;) {
      const allocated = await allocateOne(services, { hosts, spec, dropped, onRefusal });
      if (allocated) {
        performance.mark('cloud:allocated');
        const written = await writeOne(options, { hosts, spec, ...allocated });
        if (written?.outcome === 'placed') return written;
        if (written) dropped.set(allocated.candidate.host, written.reason);
        // Its room went while it was written: to ask for it once more tells why.
        continue;
      }
      const isNew = hosts.pool.size > 0 && round < ROUNDS;
      if (!isNew) return { outcome: 'no-host', dropped: listDropped(hosts, dropped) };
      hosts = await findAgain(hosts);
      round += 1;
    }
  };
  const placeOne = async (spec: InstanceSpec): Promise<PlaceOutcome> => {
    try {
      return await place(spec);
    } catch (err) {
      return { outcome: 'failed', err: toError(err) };
    }
  };
  return {
    found,
    placeMany: async (specs) => placeBatch({ find: options, found, placeOne }, specs),
  };
};

const listDropped = (hosts: FoundHosts, refused: ReadonlyMap<ProviderUuid, string>): DroppedHost[] => [
  ...hosts.dropped,
  ...[...refused].map(([host, reason]) => ({ host, reason })),
];
