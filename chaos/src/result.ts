import type { Violation } from './invariants/rule.js';
import type { Tally } from './tally.js';

export interface ChaosOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly agents: number;
  readonly hasGuests: boolean;
  /** Each agent has a user of etcd of its own, and so do people. */
  readonly hasRoles: boolean;
  /** Who counts room: a Placement service, or agents and schedulers themselves, in etcd. */
  readonly placement: 'service' | 'etcd';
  /** How many eapi there are; 0: nobody asks them for anything. */
  readonly eapis: number;
  /** After so many rounds, and at the end, everything is let settle and is checked. */
  readonly checkEvery: number;
  /** Whether each check is followed by a disaster, which takes a minute. */
  readonly hasDisasters: boolean;
  /** Ends the run early; what was started is ended all the same. */
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

export interface ChaosResult {
  readonly roundsPlayed: number;
  readonly tally: Tally;
  readonly seconds: number;
  readonly violations: readonly Violation[];
  /** The history of what is violated, for a person. */
  readonly told: readonly Told[];
  /** Where the logs are; they are kept only when something was violated. */
  readonly dir: string;
}

/** A violation with all that is known about its instance. */
export interface Told {
  readonly violation: Violation;
  readonly lines: readonly string[];
}
