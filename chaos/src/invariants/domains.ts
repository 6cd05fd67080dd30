import { isActionName, ACTIONS } from '@etcd-compute/common/wishes/kinds';
import { domainsOf, isBuilt, recordOf, requestOf, type Rule, type Violation } from './rule.js';

export const domainsAreTrue: Rule = ({ world }) => {
  const domains = domainsOf(world);
  const forRecords = world.records
    .filter((record) => isBuilt(record))
    .flatMap(({ instance, host, state, paused }): Violation[] => {
      const domain = domains.find((candidate) => candidate.uuid === instance && candidate.host === host);
      const up = paused === null ? 'running' : 'paused';
      const wanted = state === 'active' ? up : 'shut-off';
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

/** One that was shelved, and is built again, is as it was before. */
const leavesAsBefore = (kind: string): boolean =>
  isActionName(kind) && ['as-before', 'shelved'].includes(ACTIONS[kind].leadsTo);

/** Guests do nothing by themselves here: each is as the last wish has left it, and runs when there was none. */
export const wishesAreCarriedOut: Rule = ({ world }) =>
  world.records
    .filter((record) => isBuilt(record) || record.state === 'shelved')
    .flatMap(({ instance, state, wish_count, outcomes }): Violation[] => {
      const pending = requestOf(world, instance)?.wishes.find(({ count }) => count > wish_count);
      if (pending)
        return [
          { rule: 'wish lost', instance, what: `${pending.kind} (${pending.count}), carried out: ${wish_count}` },
        ];
      if (state === 'shelved') return [];
      const kind = outcomes.findLast(({ kind: one, fault }) => fault === null && !leavesAsBefore(one))?.kind ?? 'start';
      const wanted = isActionName(kind) ? ACTIONS[kind].leadsTo : state;
      return state === wanted
        ? []
        : [{ rule: 'not as wished', instance, what: `the last wish was ${kind}, and it is ${state}` }];
    });
