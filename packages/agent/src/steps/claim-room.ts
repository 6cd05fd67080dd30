import { isDeepStrictEqual } from 'node:util';
import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import { totalResources } from '@etcd-compute/common/capacity/candidate';
import type { Allocations, Claim, Held, Resources } from '@etcd-compute/common/capacity/capacity';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { GuestSpec } from '../guest-config/guest-spec.js';
import type { RoomChange } from './release-room.js';
import type { Step, StepContext, StepDeps } from './step.js';

const ATTEMPTS = 10;
const AGAIN_MS = { minMs: 50, maxMs: 1_000 };
/** A call reads, and a call writes; each may be repeated. */
const CALLS = 4;

/** Takes what the instance is to have, and keeps what it has. */
export const claimRoom: Step = {
  name: 'claim-room',
  kind: 'quick',
  timeoutSeconds: ({ placement }) => placement.timeout * CALLS,
  run: async (deps, { spec, signal }) => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const claim = await claimOf(deps, { spec, signal, choose: Math.max });
      if (!claim || (await deps.capacity.settle(claim))) return;
      await sleep(backoff(attempt, AGAIN_MS), signal);
    }
    throw othersChangeIt(spec);
  },
};

/**
 * Holds what the instance has, and no more. It is written also when it is counted so: a write of another amount that is still under way is
 * refused then, because the consumer's generation is another one.
 */
export const fitRoom = (deps: Holder, { spec, signal }: Pick<StepContext, 'spec' | 'signal'>): RoomChange => ({
  claim: async () => claimOf(deps, { spec, signal, choose: (_held, wanted) => wanted }),
  inTurn: deps.capacity.inTurn,
});

const amountsOf = ({ vcpus, memoryMiB, disks }: GuestSpec): Resources => ({
  VCPU: vcpus,
  MEMORY_MB: memoryMiB,
  DISK_GB: disks.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0),
});

type Holder = Pick<StepDeps, 'capacity' | 'mark'>;

interface Asked extends Pick<StepContext, 'spec' | 'signal'> {
  readonly choose: (held: number, wanted: number) => number;
}

/** @returns undefined when the instance holds that much already, on a host that is full or locked. */
const claimOf = async (
  { capacity, mark: { host } }: Holder,
  { spec, signal, choose }: Asked,
): Promise<Claim | undefined> => {
  const { instance } = spec;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const held = await capacity.read(instance);
    signal.throwIfAborted();
    const allocations = changeOn(host, { held, spec, choose });
    const result = await capacity.reallocate(instance, { held, allocations });
    if (result.outcome === 'allocated') return result.claim;
    const isNoChange = isDeepStrictEqual(totalResources(allocations), totalResources(held.allocations));
    if (result.outcome === 'no-room' && isNoChange) return undefined;
    if (result.outcome === 'no-room')
      throw new EcomputeError(
        'ECOMPUTE_HOST_FULL',
        `Placement does not let instance ${instance} hold ${describe(amountsOf(spec))} on its host`,
        { cause: result.err, hint: 'ask for less, or make room on its host; one that is being drained has none' },
      );
    await sleep(backoff(attempt, AGAIN_MS), signal);
  }
  throw othersChangeIt(spec);
};

const othersChangeIt = ({ instance }: GuestSpec): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_PLACEMENT_CONFLICT',
    `could not change the allocation of instance ${instance}: others keep changing it, or its host`,
    { retryable: true, hint: 'try again' },
  );

interface Change {
  readonly held: Held;
  readonly spec: GuestSpec;
  readonly choose: (held: number, wanted: number) => number;
}

const changeOn = (host: string, { held, spec, choose }: Change): Allocations => {
  const isHere = (provider: string): boolean => provider.toLowerCase() === host;
  if (!Object.keys(held.allocations).some(isHere))
    throw new EcomputeError(
      'ECOMPUTE_REQUEST_INVALID',
      `instance ${spec.instance} holds no allocation on this host in Placement`,
      { hint: 'eschedule audit --fix allocates again' },
    );
  return Object.fromEntries(
    Object.entries(held.allocations).map(([provider, { resources }]) => {
      if (!isHere(provider)) return [provider, { resources }];
      const chosen = Object.entries(amountsOf(spec)).map(([name, wanted]) => [
        name,
        choose(resources[name] ?? 0, wanted),
      ]);
      return [provider, { resources: { ...resources, ...Object.fromEntries(chosen) } }];
    }),
  );
};

const describe = (resources: Resources): string =>
  Object.entries(resources)
    .map(([name, value]) => `${name}:${value}`)
    .join(' ');
