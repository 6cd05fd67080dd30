import { RELEASE_ROOM_STEP } from '@etcd-compute/common/audit/rules';
import type { Capacity, Claim } from '@etcd-compute/common/capacity/capacity';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Step, StepDeps } from './step.js';
import { isAnythingLeft, undoCompletely } from './undo.js';

/** Gives back what the instance holds in Placement, when nothing is left of it here: a call that took too long may have made it again. */
export const releaseRoom = (build: readonly Step[]): Step => ({
  name: RELEASE_ROOM_STEP,
  kind: 'quick',
  timeoutSeconds: (config) =>
    // A read and a write; each may be repeated.
    build.reduce((sum, step) => sum + step.timeoutSeconds(config), config.placement.timeout * 4),
  run: async (deps, { spec: { instance }, log }) => {
    if (await isAnythingLeft(build, { deps, instance })) await undoCompletely(build, { deps, instance, log });
    await release(deps, instance);
  },
});

type Holder = Pick<StepDeps, 'capacity' | 'mark'>;

/** An allocation that has nothing on this host is another host's business: the request had come to the wrong one. Repeatable. */
const release = async (deps: Holder, instance: InstanceUuid): Promise<void> => {
  if (await isHeldHere(deps, instance)) await deps.capacity.release(instance);
};

/** What releases room in the transaction that ends what it was for. */
export interface Release {
  /** It may be asked several times. */
  readonly claim: () => Promise<Claim | undefined>;
  /** All instances of this host change the same room. */
  readonly inTurn: Capacity['inTurn'];
}

/** As `release`, to be written with something else. */
export const releaseWith = (deps: Holder, instance: InstanceUuid): Release => ({
  claim: async () => ((await isHeldHere(deps, instance)) ? deps.capacity.releaseWith(instance) : undefined),
  inTurn: deps.capacity.inTurn,
});

export const isHeldHere = async ({ capacity, mark: { host } }: Holder, instance: InstanceUuid): Promise<boolean> => {
  const { allocations } = await capacity.read(instance);
  return Object.keys(allocations).some((provider) => provider.toLowerCase() === host);
};
