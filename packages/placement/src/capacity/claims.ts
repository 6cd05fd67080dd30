import type { Claim } from '@etcd-compute/common/capacity/capacity';
import type { Write } from '@etcd-compute/common/etcd/store';
import type { Branch, Condition } from '@etcd-compute/common/etcd/store-branch';
import type { Plan } from '../engine/draft.js';
import { HEAD } from '../store/etcd-keys.js';

/** Whoever keeps an index waits until it has seen the last write of the head. */
const writesOf = (plan: Plan, prefix: string): Write[] => {
  const writes = [...plan.writes].map(([key, value]): Write =>
    value === undefined ? { op: 'delete', key: prefix + key } : { op: 'put', key: prefix + key, value },
  );
  return writes.length === 0 ? [] : [...writes, { op: 'put', key: prefix + HEAD, value: '' }];
};

const guardsOf = (plan: Plan, prefix: string): { key: string; modRevision: string }[] =>
  [...plan.guards.keys].map(([key, modRevision]) => ({ key: prefix + key, modRevision: modRevision.toString() }));

/** A plan as a part of somebody's transaction. */
export const claimOf = (plan: Plan, prefix: string): Claim => {
  if (plan.guards.empty.size + plan.guards.unchanged.size > 0)
    throw new Error('a plan with conditions on ranges is a transaction of its own');
  return { guards: guardsOf(plan, prefix), writes: writesOf(plan, prefix) };
};

/** A plan as a transaction of its own. */
export const branchOf = (plan: Plan, prefix: string): Branch => ({
  when: [
    ...guardsOf(plan, prefix),
    ...[...plan.guards.empty].map((range): Condition => ({ prefix: prefix + range, is: 'empty' })),
  ],
  writes: writesOf(plan, prefix),
});
