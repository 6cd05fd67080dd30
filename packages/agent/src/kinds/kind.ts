import type { DomainState } from '../domains/domain.js';
import type { Step } from '../steps/step.js';

/** How the agent carries out one kind of wish. */
export interface KindPlan {
  /** In order. A wish that was cut short goes on with the step that its record names. */
  readonly steps: readonly Step[];
  /** What the domain must be; it fails otherwise. Default: anything that is there. */
  readonly needs?: readonly DomainState[];
}
