import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { Wish } from '@etcd-compute/common/etcd/messages/wish';
import type { Write } from '@etcd-compute/common/etcd/store';
import type { DomainState } from '../domains/domain.js';
import type { GuestSpec } from '../guest-config/guest-spec.js';
import type { RoomChange } from '../steps/release-room.js';
import type { MadeSoFar, Step, StepContext, StepDeps } from '../steps/step.js';

/** How the agent carries out one kind of wish. */
export interface KindPlan {
  /** In order. A wish that was cut short goes on with the step that its record names. */
  readonly steps: readonly Step[];
  /** What the domain must be; it fails otherwise. Default: anything that is there. */
  readonly needs?: readonly DomainState[];
  /** Left out: a failure leaves the instance as far as it came. */
  readonly turn?: TurningPoint;
  /** How its room changes in the transaction that notes that it was carried out. */
  readonly room?: ChangeRoom;
  /** The guest goes on as if nothing had been asked: what is known of it stays. */
  readonly leavesGuest?: true;
  /** What is written to etcd in the transaction that notes the outcome, when it was carried out. */
  readonly note?: (done: Done) => Note;
}

export interface Done {
  readonly deps: StepDeps;
  /** As the kind's `edit` has made it. */
  readonly request: BootRequest;
  readonly wish: Wish | null;
  /** Its guest ran before. */
  readonly ran: boolean;
  /** Nothing of what an agent that was killed has made. */
  readonly made: MadeSoFar;
  readonly keys: Keys;
}

export interface Note {
  /** With what only the agent knows. Left out: as it was given. */
  readonly request?: BootRequest;
  readonly writes: readonly Write[];
}

/**
 * Where there is no way back. What fails before leads back to what was. What fails after is tried again until it succeeds, except for the
 * start of the guest: the instance is then as was asked for, and stopped.
 */
export interface TurningPoint {
  /** One of the plan's steps, and whether it has taken effect: asked when it has failed. */
  readonly at: Step;
  readonly isDone: (deps: StepDeps, asked: GuestSpec, wish: Wish | null) => Promise<boolean>;
  /** From anything that the steps up to there have made to what was: each can be repeated. */
  readonly back: readonly Step[];
  /** How its room changes in the transaction that notes the failure, whichever way it went. */
  readonly room?: ChangeRoom;
}

/** To what the instance is then. */
export type ChangeRoom = (deps: StepDeps, context: Pick<StepContext, 'spec' | 'signal'>) => RoomChange;

/** What can be stopped and started again without a loss. */
export const WITHOUT_SAVED_MEMORY = ['running', 'paused', 'shut-off', 'crashed'] as const satisfies DomainState[];
