import { domainsOf, isBuilt, recordOf, requestOf, type Rule, type Violation } from './rule.js';

export const domainsAreTrue: Rule = ({ world }) => {
  const domains = domainsOf(world);
  const forRecords = world.records
    .filter((record) => isBuilt(record))
    .flatMap(({ instance, host, state }): Violation[] => {
      const domain = domains.find((candidate) => candidate.uuid === instance && candidate.host === host);
      const wanted = state === 'active' ? 'running' : 'shut-off';
      if (domain?.state === wanted) return [];
      return [
        { rule: 'untrue record', instance, what: `it is ${state}, and its domain is ${domain?.state ?? 'absent'}` },
      ];
    });
  const withoutRequest = domains
    .filter(({ uuid }) => !requestOf(world, uuid) || !isBuilt(recordOf(world, uuid)))
    .map(({ uuid, host }) => ({
      rule: 'domain left',
      instance: uuid,
      what: `a domain on ${host}, and the record says ${recordOf(world, uuid)?.state ?? 'nothing'}`,
    }));
  return [...forRecords, ...withoutRequest];
};

/** Guests do nothing by themselves here: each is on or off as was asked for last, and on when nobody asked. */
export const powerIsAsWished: Rule = ({ world }) =>
  world.records
    .filter((record) => isBuilt(record))
    .flatMap(({ instance, state, power_count }): Violation[] => {
      const power = requestOf(world, instance)?.power;
      const wanted = power?.wish === 'stopped' ? 'stopped' : 'active';
      if (power && power_count !== power.count)
        return [
          { rule: 'power wish lost', instance, what: `${power.wish} (${power.count}), carried out: ${power_count}` },
        ];
      return state === wanted
        ? []
        : [{ rule: 'power not as wished', instance, what: `wished ${wanted}, it is ${state}` }];
    });
