import { FAULT_KINDS, FAULTS } from '@etcd-compute/chaos/faults/kinds';
import { OPERATION_KINDS } from '@etcd-compute/chaos/operation-kinds';
import { isFor, planSchedule, type ScheduleOptions } from '@etcd-compute/chaos/schedule';
import { expect, test } from 'vitest';

const OPTIONS: ScheduleOptions = { seed: 7, rounds: 120, agents: 3, members: 3, hasGuests: false };

test('the same seed gives the same schedule, another seed another one', () => {
  const schedule = planSchedule(OPTIONS);
  expect(planSchedule(OPTIONS)).toEqual(schedule);
  expect(planSchedule({ ...OPTIONS, seed: 8 }).rounds).not.toEqual(schedule.rounds);
});

test('a shorter run of the same seed is the beginning of a longer one', () => {
  const { rounds } = planSchedule(OPTIONS);
  expect(planSchedule({ ...OPTIONS, rounds: 20 }).rounds).toEqual(rounds.slice(0, 20));
});

test('every kind of fault and of operation comes, those for guests only with guests, and the other way round', () => {
  const kindsOf = (hasGuests: boolean): { faults: Set<string>; operations: Set<string> } => {
    const { rounds } = planSchedule({ ...OPTIONS, hasGuests });
    return {
      faults: new Set(rounds.flatMap(({ faults }) => faults.map(({ kind }) => kind))),
      operations: new Set(rounds.flatMap(({ operations }) => operations.map(({ kind }) => kind))),
    };
  };
  for (const hasGuests of [true, false])
    expect(kindsOf(hasGuests)).toEqual({
      faults: new Set(FAULT_KINDS.filter((kind) => isFor(kind, { hasGuests }))),
      operations: new Set(OPERATION_KINDS),
    });
  expect(FAULT_KINDS.filter((kind) => !isFor(kind, { hasGuests: false }))).toEqual(['libvirtd-killed', 'guest-frozen']);
});

test('every target exists', () => {
  const counts = { agent: 3, member: 3, client: 4, none: 1 };
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
    for (const { kind, name } of operations) {
      if (kind.startsWith('boot')) present.add(name);
      if (kind.startsWith('destroy')) present.delete(name);
      expect(present.size).toBeLessThanOrEqual(3);
    }
});
