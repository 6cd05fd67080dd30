import type { World } from '../world.js';
import { recordOf, type Rule, type Violation } from './rule.js';

/**
 * An attempt that is used stays used, whoever has moved the instance on. Never to be broken, not even for a moment.
 *
 * @param seen the least that each instance had so far; it is brought up to date.
 */
export const findRisenAttempts = (world: Pick<World, 'requests'>, seen: Map<string, number>): Violation[] =>
  world.requests
    .filter(({ isDestroy }) => !isDestroy)
    .flatMap(({ instance, attemptsLeft }): Violation[] => {
      const before = seen.get(instance) ?? attemptsLeft;
      seen.set(instance, Math.min(before, attemptsLeft));
      if (attemptsLeft <= before) return [];
      return [{ rule: 'attempts risen', instance, what: `${before} were left, and now it is ${attemptsLeft}` }];
    });

/** Who lists instances reads records alone. */
export const attemptsAgree: Rule = ({ world }) =>
  world.requests.flatMap(({ instance, isDestroy, attemptsLeft }): Violation[] => {
    const record = recordOf(world, instance);
    if (isDestroy || !record || record.attempts_left === attemptsLeft) return [];
    const what = `the request says ${attemptsLeft}, and the record ${record.attempts_left}`;
    return [{ rule: 'attempts differ', instance, what }];
  });
