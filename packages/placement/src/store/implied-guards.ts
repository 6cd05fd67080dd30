import type { Plan } from '../engine/draft.js';
import type { View } from '../index/view.js';
import { keyOf, parseKey } from '../model/keys.js';

/** With so many conditions a plan may be more than etcd takes, so those that say nothing new are left out. */
const MANY = 48;

/**
 * What a consumer holds cannot change without the usage of every provider that it has something on. So who guards the usage of one of them
 * need not guard the consumer too: a reshape of hundreds of consumers on a few providers fits into one transaction.
 */
export const withoutImplied = (plan: Plan, view: View): Plan => {
  const { keys } = plan.guards;
  if (keys.size <= MANY) return plan;
  const isImplied = (key: string): boolean => {
    const parsed = parseKey(key);
    if (parsed?.kind !== 'consumer') return false;
    const holder = view.consumer(parsed.id);
    return holder !== undefined && Object.keys(holder.allocations).some((uuid) => keys.has(keyOf('usage', uuid)));
  };
  return { ...plan, guards: { ...plan.guards, keys: new Map([...keys].filter(([key]) => !isImplied(key))) } };
};
