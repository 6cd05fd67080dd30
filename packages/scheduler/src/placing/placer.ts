import { EcomputeError, toError } from '@etcd-compute/common/errors';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { allocate, releaseAllocations } from '@etcd-compute/common/placement/allocations';
import { isConcurrentUpdate } from '@etcd-compute/common/placement/errors';
import type { HostNames } from '../hosts/host-names.js';
import type { Candidate } from '../selection/candidate.js';
import type { DroppedHost } from '../selection/filters/presence.js';
import { findHosts, type FindOptions, type FoundHosts } from './candidates.js';
import { requestLost, requestNotWritten, requestRaced } from './placing-errors.js';
import { writeRequest, type FailedAttempt, type InstanceSpec } from './write-request.js';

/**
 * Places instances: candidates -> weigh -> allocate -> on 409 the next -> one txn for request and record.
 *
 * What a crash in between leaves: after `allocate`, an allocation without a request, which the host's agent finds and releases;
 * after the txn, a placed instance.
 */
export interface Placer {
  /** The hosts as they were found last. */
  readonly found: () => Promise<FoundHosts>;
  /** Of all hosts that were found so far. */
  readonly hostNames: HostNames;
  /**
   * Places one instance; many may be placed at once. @throws what Placement or etcd say; then nothing is left behind, or the error
   * says what may be.
   */
  readonly place: (spec: InstanceSpec, options?: PlaceOptions) => Promise<PlaceResult>;
}

export interface PlaceOptions {
  /** Hosts that have failed already, and why. */
  readonly excluded?: ReadonlyMap<ProviderUuid, string>;
  readonly failed?: FailedAttempt;
  /** Told of an allocation that Placement refused. */
  readonly onRefusal?: (err: Error) => void;
}

export type PlaceResult =
  | { readonly outcome: 'placed'; readonly candidate: Candidate; readonly record: InstanceRecord }
  | { readonly outcome: 'no-host'; readonly dropped: readonly DroppedHost[] };

/** Placement gives up on a busy provider with a 409 that says so; the host itself may well have room. */
const BUSY_ATTEMPTS = 5;
/** How often the candidates are asked for again, when all of an answer were taken by others meanwhile. */
const ROUNDS = 3;

export const createPlacer = (options: FindOptions): Placer => {
  let latest: Promise<FoundHosts> | undefined;
  const names = new Map<ProviderUuid, string>();
  const find = async (): Promise<FoundHosts> => {
    const hosts = await findHosts(options);
    for (const [host, { hostname }] of hosts.presences) names.set(host, hostname);
    return hosts;
  };
  const found = async (): Promise<FoundHosts> => (latest ??= find());
  /** All who have used up the same answer share the next one. */
  const findAgain = async (usedUp: FoundHosts): Promise<FoundHosts> => {
    if ((await latest) === usedUp) latest = find();
    return found();
  };

  const place: Placer['place'] = async (spec, placeOptions = {}) => {
    const dropped = new Map(placeOptions.excluded);
    let hosts = await found();
    for (let round = 1; ; round += 1) {
      const candidate = await allocateFrom(options, { hosts, spec, dropped, onRefusal: placeOptions.onRefusal });
      if (candidate) performance.mark('eschedule:allocated');
      if (candidate) return write(options, { hosts, spec, candidate, failed: placeOptions.failed });
      const isNew = hosts.pool.size > 0 && round < ROUNDS;
      if (!isNew) return { outcome: 'no-host', dropped: listDropped(hosts, dropped) };
      hosts = await findAgain(hosts);
    }
  };
  return { found, hostNames: (host) => names.get(host) ?? null, place };
};

const listDropped = (hosts: FoundHosts, refused: ReadonlyMap<ProviderUuid, string>): DroppedHost[] => [
  ...hosts.dropped,
  ...[...refused].map(([host, reason]) => ({ host, reason })),
];

interface AllocateOptions {
  readonly hosts: FoundHosts;
  readonly spec: InstanceSpec;
  /** Grows by each host that refuses. */
  readonly dropped: Map<ProviderUuid, string>;
  readonly onRefusal: ((err: Error) => void) | undefined;
}

const allocateFrom = async ({ cloud }: FindOptions, options: AllocateOptions): Promise<Candidate | undefined> => {
  const { hosts, spec, dropped, onRefusal } = options;
  const placement = await cloud.placement();
  const isExcluded = new Set(dropped.keys());
  for (let busy = 0; ;) {
    const candidate = hosts.pool.take(isExcluded);
    if (!candidate) return undefined;
    const { allocations, mappings } = candidate.request;
    const { instance, userId, projectId } = spec;
    try {
      const result = await allocate(placement, { instance, allocations, mappings, userId, projectId });
      if (result.outcome === 'allocated') return candidate;
      hosts.pool.giveBack(candidate);
      onRefusal?.(result.err);
      busy += isConcurrentUpdate(result.err) ? 1 : BUSY_ATTEMPTS;
      if (busy < BUSY_ATTEMPTS) continue;
      busy = 0;
      isExcluded.add(candidate.host);
      dropped.set(candidate.host, `its room was taken meanwhile: ${result.err.message}`);
    } catch (err) {
      hosts.pool.giveBack(candidate);
      throw await undoUncertainAllocation(options, { cloud, candidate, err: toError(err) });
    }
  }
};

/** The reply may be what was lost: releases what Placement may hold. @returns the error to throw. */
const undoUncertainAllocation = async (
  { spec }: AllocateOptions,
  { cloud, candidate, err }: { cloud: FindOptions['cloud']; candidate: Candidate; err: Error },
): Promise<Error> => {
  const isUncertain = err instanceof EcomputeError && err.retryable;
  if (!isUncertain) return err;
  try {
    await releaseAllocations(await cloud.placement(), spec.instance);
    return err;
  } catch {
    // Said once is enough: the first error tells why Placement cannot be asked.
    return requestNotWritten({ spec, host: candidate.host, err, isReleased: false });
  }
};

interface WriteOptions {
  readonly hosts: FoundHosts;
  readonly spec: InstanceSpec;
  readonly candidate: Candidate;
  readonly failed: FailedAttempt | undefined;
}

const write = async (find: FindOptions, options: WriteOptions): Promise<PlaceResult> => {
  const { cloud, strategy, needsPresence } = find;
  const { hosts, spec, candidate, failed } = options;
  const { host } = candidate;
  const hostname = hosts.presences.get(host)?.hostname ?? host;
  const reason = failed
    ? `moved on to ${hostname} after a failed build: ${failed.record.fault?.message ?? 'no reason was given'}`
    : `placed on ${hostname} (${strategy})`;
  const hasRecord = needsPresence || hosts.presences.has(host);
  const { result, record } = await writeRequest({ cloud, spec, candidate, reason, hasRecord, failed });
  if (result.outcome === 'committed') return { outcome: 'placed', candidate, record };
  if (result.outcome === 'unknown') throw requestLost({ spec, host, err: result.err });
  hosts.pool.giveBack(candidate);
  const isReleased = await tryRelease(cloud, spec);
  if (result.outcome === 'lost-race') throw requestRaced({ spec, host, isReleased });
  throw requestNotWritten({ spec, host, err: result.err, isReleased });
};

const tryRelease = async (cloud: FindOptions['cloud'], spec: InstanceSpec): Promise<boolean> => {
  try {
    await releaseAllocations(await cloud.placement(), spec.instance);
    return true;
  } catch {
    // What matters is the error that led here; this one becomes a sentence in its hint.
    return false;
  }
};
