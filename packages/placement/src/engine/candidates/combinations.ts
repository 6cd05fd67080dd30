import type { Budget } from './budget.js';
import type { Choice } from './choices.js';
import type { Constraint } from './constraints.js';

/** A search pauses after so many choices without result: other trees have their turn. */
const PATIENCE = 500;

/** Yielded when a search pauses. */
export const PAUSE = Symbol('pause');

export interface CombinationSearch {
  /** Those with few options first: the search ends early where nothing fits. */
  readonly choices: readonly Choice[];
  readonly constraints: readonly Constraint[];
  readonly budget: Budget;
}

/**
 * Every way to pick one provider for each choice that keeps to the constraints. Ends when the budget is spent. What is found dead once is
 * not looked at again: with nine devices wanted of eight alike, there are 256 sets to look at instead of 100,000 orders.
 */
export function* combinations({
  choices,
  constraints,
  budget,
}: CombinationSearch): Generator<readonly string[] | typeof PAUSE, void> {
  const only = onlyWay(choices);
  if (only) {
    const steps = constraints.length === 0 ? [] : only.map((_pick, at) => only.slice(0, at + 1));
    if (steps.every((picks) => constraints.every((isKept) => isKept(picks, choices)))) yield only;
    return;
  }
  const stateOf = createStates(choices);
  const dead = new Set<string>();
  let waited = 0;

  function* extend(picks: readonly string[]): Generator<readonly string[] | typeof PAUSE, boolean> {
    const choice = choices[picks.length];
    if (!choice) {
      waited = 0;
      yield picks;
      return true;
    }
    const state = dead.size > 0 ? stateOf(picks) : undefined;
    if (state !== undefined && dead.has(state)) return false;
    let isFound = false;
    for (const option of choice.options) {
      // Where there is nothing to choose, the work is no more than that of finding the options.
      if (choice.options.length > 1) {
        if (!budget.spend(1)) return true;
        waited += 1;
        if (waited >= PATIENCE) {
          waited = 0;
          yield PAUSE;
        }
      }
      const more = [...picks, option];
      if (constraints.every((isKept) => isKept(more, choices)) && (yield* extend(more))) isFound = true;
    }
    if (!isFound) dead.add(state ?? stateOf(picks));
    return isFound;
  }

  if (constraints.every((isKept) => isKept([], choices))) yield* extend([]);
}

/** When there is nothing to choose, as on a host without a tree. */
const onlyWay = (choices: readonly Choice[]): readonly string[] | undefined =>
  choices.every(({ options }) => options.length === 1) ? choices.flatMap(({ options }) => options) : undefined;

/** Short texts of all that what is picked later depends on: the same for exchangeable picks in any order. */
const createStates = (choices: readonly Choice[]): ((picks: readonly string[]) => string) => {
  const codes = new Map<string, number>();
  const codeOf = (pick: string, at: number): number => {
    const text = `${pick} ${choices[at]?.part.likeness ?? ''}`;
    const code = codes.get(text) ?? codes.size;
    codes.set(text, code);
    return code;
  };
  return (picks) =>
    picks
      .map(codeOf)
      .toSorted((one, other) => one - other)
      .join();
};
