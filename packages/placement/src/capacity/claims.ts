import type { Claim } from '@etcd-compute/common/capacity/capacity';
import type { Branch } from '@etcd-compute/common/etcd/store-branch';
import type { Plan } from '../engine/draft.js';
import { HEAD } from '../store/etcd-keys.js';
import { toGuards, toWrites, toRangesWithNothing } from '../store/to-branch.js';

/** A plan as a part of somebody's transaction. Whoever keeps an index waits until it has seen the last write of the head. */
export const claimOf = ({ guards, writes }: Plan, prefix: string): Claim => {
  if (guards.empty.size + guards.unchanged.size > 0)
    throw new Error('a plan with conditions on ranges is a transaction of its own');
  const own = toWrites(writes, prefix);
  const head = { op: 'put' as const, key: prefix + HEAD, value: '' };
  return { guards: toGuards(guards.keys, prefix), writes: own.length === 0 ? [] : [...own, head] };
};

/** A plan as a transaction of its own. */
export const branchOf = ({ guards, writes }: Plan, prefix: string): Branch => {
  // Since when, only an index of all there is could tell.
  if (guards.unchanged.size > 0) throw new Error('a plan that guards all of a kind needs an index of all there is');
  const claim = claimOf({ guards: { ...guards, empty: new Set() }, writes }, prefix);
  return { when: [...claim.guards, ...toRangesWithNothing(guards.empty, prefix)], writes: claim.writes };
};
