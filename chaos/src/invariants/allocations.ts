import { isBuilt, recordOf, requestOf, type Rule, type Violation } from './rule.js';

export const allocationsMatchRequests: Rule = ({ world, foreign }) => {
  const ours = world.allocations.filter(({ consumer }) => consumer !== foreign.consumer);
  const left = ours
    .filter(({ consumer, host }) => requestOf(world, consumer)?.host !== host || !isBuilt(recordOf(world, consumer)))
    .map(({ consumer, host }) => ({
      rule: 'allocation left',
      instance: consumer,
      what: `on ${host}, and the record says ${recordOf(world, consumer)?.state ?? 'nothing'}`,
    }));
  const missing = world.requests
    .filter(({ instance, isDestroy }) => !isDestroy && isBuilt(recordOf(world, instance)))
    .flatMap(({ instance, host, allocations }): Violation[] => {
      const wanted = JSON.stringify(sorted(allocations[host]?.resources ?? {}));
      const held = ours.find(({ consumer, host: at }) => consumer === instance && at === host);
      if (held && JSON.stringify(sorted(held.resources)) === wanted) return [];
      const rule = held ? 'wrong allocation' : 'request without allocation';
      return [{ rule, instance, what: `on ${host}: wished ${wanted}, held ${JSON.stringify(held?.resources ?? {})}` }];
    });
  return [...left, ...missing];
};

const sorted = (resources: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(resources).toSorted(([a], [b]) => a.localeCompare(b));
