import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  canBecome,
  INSTANCE_STATES,
  instanceRecordSchema,
  MAX_TRANSITIONS,
  newRecord,
  withState,
} from '@etcd-compute/common/etcd/messages/instance-record';
import { instanceUuidSchema, providerUuidSchema } from '@etcd-compute/common/ids';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const START = new Date('2026-01-02T03:04:05.000Z');
const at = (seconds: number): Date => new Date(START.getTime() + seconds * 1000);

const aRecord = () =>
  newRecord({
    instance: instanceUuidSchema.parse('6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d'),
    host: providerUuidSchema.parse('c1a6523e-c50a-42c2-8952-f2d3a8479e99'),
    name: 'web1',
    resources: { VCPU: 1 },
    image: 'http://a/b',
    reason: 'allocated',
    now: START,
  });

const state = fc.constantFrom(...INSTANCE_STATES);

describe('transitions', () => {
  test('are those of the table in docs/how-it-works.md, and staying is always allowed', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../../../docs/how-it-works.md'), 'utf8');
    const [, states = ''] = page.split(/^## States$/m);
    const rows = [...states.matchAll(/^\| `([a-z]+)` +\| (.*?) *\|$/gm)];
    const documented = rows.map(([, from, to = '']) => [
      from,
      [...to.matchAll(/`([a-z]+)`/g)].map(([, state]) => state),
    ]);
    const allowed = INSTANCE_STATES.map((from) => [
      from,
      INSTANCE_STATES.filter((to) => from !== to && canBecome(from, to)),
    ]);
    expect(documented).toEqual(allowed);
    for (const same of INSTANCE_STATES) expect(canBecome(same, same)).toBe(true);
  });

  test('every instance can be destroyed, and gone is only what was deleted', () => {
    for (const from of INSTANCE_STATES) expect(canBecome(from, 'deleting')).toBe(true);
    expect(INSTANCE_STATES.filter((from) => from !== 'deleted' && canBecome(from, 'deleted'))).toEqual(['deleting']);
  });
});

describe('record', () => {
  test('a new one is scheduled, has no session, and is what the schema takes', () => {
    const record = aRecord();
    expect(instanceRecordSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
    expect(record).toMatchObject({ state: 'scheduled', session: null, fault: null, addresses: [] });
    expect(record.transitions).toEqual([{ at: START.toISOString(), state: 'scheduled', reason: 'allocated' }]);
  });

  test('the count of an earlier version’s wishes goes on', () => {
    const { wish_count: _count, outcomes: _outcomes, ...old } = aRecord();
    const read = instanceRecordSchema.parse({ ...old, power_count: 3 });
    expect(read).toEqual({ ...aRecord(), wish_count: 3 });
    // Written by this version, then by an earlier one.
    expect(instanceRecordSchema.parse({ ...aRecord(), wish_count: 3, power_count: 4 })).toMatchObject({
      wish_count: 4,
    });
    expect(instanceRecordSchema.parse({ ...aRecord(), wish_count: 4, power_count: 4 })).toMatchObject({
      wish_count: 4,
    });
  });

  test('a transition is noted with its time; the same again is not', () => {
    const built = withState(aRecord(), 'building', { reason: 'claimed', now: at(1) });
    const again = withState(built, 'building', { reason: 'claimed', now: at(2) });
    const other = withState(again, 'building', { reason: 'taken up again', now: at(3) });
    expect(again.transitions).toEqual(built.transitions);
    expect(again.updated_at).toBe(at(2).toISOString());
    expect(other.transitions.map(({ reason }) => reason)).toEqual(['allocated', 'claimed', 'taken up again']);
    expect(other.created_at).toBe(START.toISOString());
  });

  test('keeps its newest transitions, in order, and all members that it does not know', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(state, fc.string()), { maxLength: 60 }), (steps) => {
        let record = instanceRecordSchema.parse({ ...aRecord(), later: { kept: true } });
        for (const [index, [next, reason]] of steps.entries())
          record = withState(record, next, { reason, now: at(index + 1) });
        expect(record.transitions.length).toBeLessThanOrEqual(MAX_TRANSITIONS);
        expect(record.transitions.map(({ at }) => at)).toEqual(record.transitions.map(({ at }) => at).toSorted());
        expect(record['later']).toEqual({ kept: true });
        const [lastState, lastReason] = steps.at(-1) ?? ['scheduled', 'allocated'];
        expect(record.transitions.at(-1)).toMatchObject({ state: lastState, reason: lastReason });
        expect(instanceRecordSchema.safeParse(record).success).toBe(true);
      }),
    );
  });

  test('of another version is refused', () => {
    expect(instanceRecordSchema.safeParse({ ...aRecord(), version: 2 }).success).toBe(false);
    expect(instanceRecordSchema.safeParse({ ...aRecord(), state: 'paused' }).success).toBe(false);
  });
});
