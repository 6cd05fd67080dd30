import { KIND_PLANS } from '@etcd-compute/agent/kinds/kinds';
import { stopDomain } from '@etcd-compute/agent/steps/stop-domain';
import type { InstanceRecord, Outcome } from '@etcd-compute/common/etcd/messages/instance-record';
import { isActionName, ACTIONS } from '@etcd-compute/common/wishes/kinds';
import { domainsOf, isBuilt, recordOf, requestOf, type Judged, type Rule, type Violation } from './rule.js';

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

/**
 * What a wish that was replaced may have left: its command was carried out in part, or as a whole, and nothing says so but the guest. It has
 * no outcome, so its count is missing after that of the last one that was carried out.
 */
const mayBeLeftBehind = (
  { wish_count, outcomes }: InstanceRecord,
  last: Outcome | undefined,
  asked: readonly string[],
) => {
  const counts = new Set(outcomes.map(({ count }) => count));
  const sinceLast = Array.from({ length: wish_count - (last?.count ?? 0) }, (_, index) => wish_count - index);
  if (sinceLast.every((count) => counts.has(count))) return [];
  return asked.filter(isActionName).map((kind): string => ACTIONS[kind].leadsTo);
};

/**
 * A wish that has failed leaves the guest as far as it came, or back as it was, and its outcome says so. One that stops the guest on its way may
 * leave it off.
 */
const mayBeLeftOff = ({ outcomes }: InstanceRecord, last: Outcome | undefined): boolean =>
  outcomes.some(
    ({ count, kind, fault }) =>
      fault !== null && count > (last?.count ?? 0) && isActionName(kind) && KIND_PLANS[kind].steps.includes(stopDomain),
  );

/** What commands and clients have asked of it. */
const askedOf = ({ ledger, told }: Pick<Judged, 'ledger' | 'told'>, { instance, name }: InstanceRecord): string[] => {
  const story = [...ledger.values()].find((one) => one.instance === instance || one.name === name);
  const byCommands = story?.attempts.map(({ operation }) => operation.kind.replace(/-and-wait$/, '')) ?? [];
  return [...byCommands, ...(told.wishes.get(instance) ?? [])];
};

/** Guests do nothing by themselves here: each is as the last wish has left it, and runs when there was none. */
export const wishesAreCarriedOut: Rule = ({ world, ledger, told }) =>
  world.records
    .filter((record) => isBuilt(record) || record.state === 'shelved')
    .flatMap((record): Violation[] => {
      const { instance, state, wish_count, outcomes } = record;
      const pending = requestOf(world, instance)?.wishes.find(({ count }) => count > wish_count);
      if (pending)
        return [
          { rule: 'wish lost', instance, what: `${pending.kind} (${pending.count}), carried out: ${wish_count}` },
        ];
      if (state === 'shelved') return [];
      const last = outcomes.findLast(({ kind, fault }) => fault === null && !leavesAsBefore(kind));
      const kind = last?.kind ?? 'start';
      const wanted = isActionName(kind) ? ACTIONS[kind].leadsTo : state;
      const isAsWished =
        state === wanted ||
        (state === 'stopped' && mayBeLeftOff(record, last)) ||
        mayBeLeftBehind(record, last, askedOf({ ledger, told }, record)).includes(state);
      return isAsWished
        ? []
        : [{ rule: 'not as wished', instance, what: `the last wish was ${kind}, and it is ${state}` }];
    });
