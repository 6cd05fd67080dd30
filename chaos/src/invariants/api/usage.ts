import { changeUsage, NOTHING, usageOf } from '@etcd-compute/api/compute/servers/engine/usage';
import type { Usage } from '@etcd-compute/api/compute/usage';
import type { ApiState } from '../../world/read-api.js';
import type { Rule, Violation } from '../rule.js';

const NAMES = ['instances', 'cores', 'ram'] as const;
const show = (usage: Usage): string => NAMES.map((name) => `${usage[name]} ${name}`).join(', ');

/** What all servers of each project take together. */
export const sumUsage = ({ servers }: Pick<ApiState, 'servers'>): Map<string, Usage> => {
  const sums = new Map<string, Usage>();
  for (const server of servers.values())
    sums.set(server.project, changeUsage(sums.get(server.project) ?? NOTHING, NOTHING, usageOf(server)));
  return sums;
};

/** What is written down as used is the sum of what there is, at every revision: one transaction writes both. Pure. */
export const findWrongUsage = ({ servers, usage }: Pick<ApiState, 'servers' | 'usage'>): Violation[] => {
  const sums = sumUsage({ servers });
  return [...new Set([...sums.keys(), ...usage.keys()])].flatMap((project): Violation[] => {
    const [is, should] = [usage.get(project) ?? NOTHING, sums.get(project) ?? NOTHING];
    if (NAMES.every((name) => is[name] === should[name])) return [];
    return [
      { rule: 'wrong usage', what: `project ${project}: ${show(is)} are written down, and there are ${show(should)}` },
    ];
  });
};

/** Nobody may use more than before when it is more than the limits of that time. Pure. @param limits before the change. */
export const findExceeded = (
  project: string,
  { before, after, limits }: { readonly before: Usage; readonly after: Usage; readonly limits: Usage },
): Violation[] =>
  NAMES.filter((name) => after[name] > before[name] && limits[name] >= 0 && after[name] > limits[name]).map((name) => ({
    rule: 'quota exceeded',
    what: `project ${project}: ${name} ${after[name]}, and the limit is ${limits[name]}`,
  }));

export const usageIsTrue: Rule = ({ world }) => findWrongUsage(world.api);
