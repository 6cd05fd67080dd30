import { FAULT_KINDS, FAULTS } from '@etcd-compute/chaos/faults/kinds';
import { namesOf, OPERATION_KINDS, operationOf } from '@etcd-compute/chaos/operation-kinds';
import { isFor, planSchedule, type ScheduleOptions } from '@etcd-compute/chaos/schedule';
import { REQUEST_KINDS } from '@etcd-compute/chaos/api/request-kinds';
import { expect, test } from 'vitest';

const OPTIONS: ScheduleOptions = {
  seed: 7,
  rounds: 120,
  agents: 3,
  members: 3,
  hasGuests: false,
  placement: 'service',
  eapis: 2,
};

test('the same seed gives the same schedule, another seed another one', () => {
  const schedule = planSchedule(OPTIONS);
  expect(planSchedule(OPTIONS)).toEqual(schedule);
  expect(planSchedule({ ...OPTIONS, seed: 8 }).rounds).not.toEqual(schedule.rounds);
});

test('a shorter run of the same seed is the beginning of a longer one', () => {
  const { rounds } = planSchedule(OPTIONS);
  expect(planSchedule({ ...OPTIONS, rounds: 20 }).rounds).toEqual(rounds.slice(0, 20));
});

type Stage = Parameters<typeof isFor>[1];
const STAGES: readonly Stage[] = [
  { hasGuests: true, placement: 'service', eapis: 0 },
  { hasGuests: false, placement: 'service', eapis: 1 },
  { hasGuests: false, placement: 'etcd', eapis: 2 },
];

test('every kind of fault and of operation comes, those for guests only with guests, and the other way round', () => {
  const kindsOf = (options: Stage): { faults: Set<string>; operations: Set<string> } => {
    const { rounds } = planSchedule({ ...OPTIONS, ...options });
    return {
      faults: new Set(rounds.flatMap(({ faults }) => faults.map(({ kind }) => kind))),
      operations: new Set(rounds.flatMap(({ operations }) => operations.map(({ kind }) => kind))),
    };
  };
  for (const stage of STAGES)
    expect(kindsOf(stage)).toEqual({
      faults: new Set(FAULT_KINDS.filter((kind) => isFor(kind, stage))),
      operations: new Set(OPERATION_KINDS),
    });
  const leftOut = (stage: Stage): string[] => FAULT_KINDS.filter((kind) => !isFor(kind, stage));
  expect(leftOut({ hasGuests: false, placement: 'service', eapis: 1 })).toEqual(['libvirtd-killed', 'guest-frozen']);
  const ofService = FAULT_KINDS.filter((kind) => kind.startsWith('placement-'));
  const ofEapi = FAULT_KINDS.filter((kind) => kind.startsWith('eapi-'));
  expect(leftOut({ hasGuests: true, placement: 'etcd', eapis: 0 })).toEqual([
    ...ofService,
    'libvirt-swapped',
    ...ofEapi,
  ]);
});

test('every request to eapi comes, and the commands of a seed are the same with and without eapi', () => {
  const { rounds } = planSchedule(OPTIONS);
  const requests = rounds.flatMap((round) => round.requests);
  expect(new Set(requests.map(({ kind }) => kind))).toEqual(new Set(REQUEST_KINDS));
  expect(new Set(requests.map(({ eapi }) => eapi))).toEqual(new Set([0, 1]));
  const [first] = rounds;
  const without = planSchedule({ ...OPTIONS, eapis: 0 }).rounds;
  expect(without[0]?.operations).toEqual(first?.operations);
  expect(without.flatMap((round) => round.requests)).toEqual([]);
});

test('every target exists', () => {
  const counts = { agent: 3, member: 3, client: 6, eapi: 2, none: 1 };
  for (const { faults, operations } of planSchedule(OPTIONS).rounds)
    for (const { kind, target } of faults) {
      const { target: at } = FAULTS[kind];
      expect(target).toBeLessThan(at === 'operation' ? operations.length : counts[at]);
      expect(target).toBeGreaterThanOrEqual(0);
    }
});

test('with guests there are never more than three at a time, as far as the schedule knows', () => {
  const present = new Set<string>();
  for (const { operations } of planSchedule({ ...OPTIONS, hasGuests: true }).rounds)
    for (const operation of operations) {
      if (operation.kind.startsWith('boot')) for (const name of namesOf(operation)) present.add(name);
      if (operation.kind.startsWith('destroy')) present.delete(operation.name);
      expect(present.size).toBeLessThanOrEqual(3);
    }
});

test.each([true, false])('there are at least five commands a round (guests: %s)', (hasGuests) => {
  const { rounds } = planSchedule({ ...OPTIONS, hasGuests });
  expect(Math.min(...rounds.map(({ operations }) => operations.length))).toBeGreaterThanOrEqual(5);
});

test('what is done to an instance is done to one that was booted, also when many are booted at once', () => {
  const booted = new Set<string>();
  const strangers: string[] = [];
  let many = 0;
  for (const operation of planSchedule({ ...OPTIONS, rounds: 400 }).rounds.flatMap(({ operations }) => operations)) {
    const { of, isMany } = operationOf(operation.kind);
    if (of === 'new') for (const name of namesOf(operation)) booted.add(name);
    if (of === 'booted' && !booted.has(operation.name)) strangers.push(operation.name);
    if (isMany === true && namesOf(operation).length > 1) many += 1;
  }
  expect(strangers).toEqual([]);
  expect(many).toBeGreaterThan(5);
});
