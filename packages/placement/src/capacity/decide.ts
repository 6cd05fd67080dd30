import { Draft, type Plan } from '../engine/draft.js';
import type { View } from '../index/view.js';
import { PartialIndex } from './partial-index.js';
import { readKeys, readMissing, type Room } from './read-into.js';

/** What is looked for is found in what was read before, a few times over. */
const MAX_ROUNDS = 20;

/** Looks at what is in etcd, read as far as the look asks for it. @throws whatever the look throws when it knows all it asks for. */
export const look = async <T>(room: Room, see: (view: View) => T): Promise<T> =>
  untilAllIsKnown(room, new PartialIndex(), see);

/**
 * Plans with what is in etcd, read as far as the plan asks for it. What it is known to ask for can be read at once. A refusal is one of the moment: what it rests on was read from etcd just now.
 *
 * @throws Refusal.
 */
export const decide = async <T>(
  room: Room,
  plan: (draft: Draft) => T,
  keys: readonly string[] = [],
): Promise<{ readonly result: T; readonly plan: Plan }> => {
  const index = new PartialIndex();
  await readKeys(room, index, keys);
  return untilAllIsKnown(room, index, (known) => {
    const draft = new Draft(known, Date.now());
    return { result: plan(draft), plan: draft.plan };
  });
};

const untilAllIsKnown = async <T>(room: Room, index: PartialIndex, run: (index: PartialIndex) => T): Promise<T> => {
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const outcome = attempt(() => run(index));
    if (await readMissing(room, index)) continue;
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.result;
  }
  throw new Error(`what is decided still asks for more after ${MAX_ROUNDS} rounds`);
};

const attempt = <T>(run: () => T): { readonly result: T } | { readonly thrown: unknown } => {
  try {
    return { result: run() };
  } catch (thrown) {
    return { thrown };
  }
};
