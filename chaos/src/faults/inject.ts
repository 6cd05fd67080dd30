import type { ClientPath } from '../client-path.js';
import type { Host } from '../host.js';
import type { Keeper } from '../keeper.js';
import type { Stage } from '../stage.js';

export interface FaultContext {
  readonly stage: Stage;
  /** As the schedule chose it. */
  readonly target: number;
  /** Starts again what was killed. */
  readonly keeper: Keeper;
  /** Sends a signal to the `eschedule` that a fault is aimed at. @returns false when it has ended, or has not begun. */
  readonly signalOperation: (signal: NodeJS.Signals) => boolean;
}

/** Mends what the fault has done; the fault is over when it returns. */
export type Mend = () => Promise<void>;

/** @returns undefined when it cannot be done at this moment: there is nobody to hit. */
export type Inject = (context: FaultContext) => Promise<Mend | undefined>;

/** For what is over as soon as it is done. */
export const NOTHING_TO_MEND: Mend = async () => undefined;

export const hostOf = ({ stage, target }: FaultContext): Host => {
  const host = stage.hosts[target];
  if (!host) throw new Error(`there is no host ${target}`);
  return host;
};

/** Of the agents, of all `eschedule`s, and of each eapi, in this order. */
export const pathOf = ({ stage: { hosts, path, eapis }, target }: FaultContext): ClientPath =>
  hosts[target]?.path ?? eapis[target - hosts.length - 1]?.path ?? path;
