import { Draft } from '../engine/draft.js';
import { PlacementIndex } from '../index/placement-index.js';
import type { PlacementStore } from './placement-store.js';

/** Everything in this process, nothing on a disk: for tests of the rules and of the API. */
export const createMemoryStore = (now: () => number = Date.now): PlacementStore => {
  const index = new PlacementIndex();
  let revision = 0n;
  return {
    read: async (look) => look(index),
    // Nothing is awaited in the middle, so no two writes overlap.
    write: async (plan) => {
      const draft = new Draft(index, now());
      const result = plan(draft);
      revision += 1n;
      for (const [key, value] of draft.plan.writes) index.apply({ key, value, modRevision: revision });
      return result;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
};
