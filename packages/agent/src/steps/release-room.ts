import { RELEASE_ROOM_STEP } from '@etcd-compute/common/audit/rules';
import type { Capacity, Claim } from '@etcd-compute/common/capacity/capacity';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Step, StepDeps } from './step.js';
import { isAnythingLeft, undoCompletely } from './undo.js';

/** Nothing may be left of an instance here when its room is given back: a call that took too long may have made it again. */
export const releaseRoom = (build: readonly Step[]): Step => ({
  name: RELEASE_ROOM_STEP,
  kind: 'quick',
  timeoutSeconds: (config) => build.reduce((sum, step) => sum + step.timeoutSeconds(config), 0),
  run: async (deps, { spec: { instance }, log }) => {
    if (await isAnythingLeft(build, { deps, instance })) await undoCompletely(build, { deps, instance, log });
  },
});

type Holder = Pick<StepDeps, 'capacity' | 'mark'>;

/** A change of room in the transaction that notes why. */
export interface RoomChange {
  /** It may be asked several times. Undefined when there is nothing to change. */
  readonly claim: () => Promise<Claim | undefined>;
  /** All instances of this host change the same room. */
  readonly inTurn: Capacity['inTurn'];
}

/** An allocation that has nothing on this host is another host's business: the request had come to the wrong one. */
export const releaseWith = (deps: Holder, instance: InstanceUuid): RoomChange => ({
  claim: async () => ((await isHeldHere(deps, instance)) ? deps.capacity.releaseWith(instance) : undefined),
  inTurn: deps.capacity.inTurn,
});

export const isHeldHere = async ({ capacity, mark: { host } }: Holder, instance: InstanceUuid): Promise<boolean> => {
  const { allocations } = await capacity.read(instance);
  return Object.keys(allocations).some((provider) => provider.toLowerCase() === host);
};
