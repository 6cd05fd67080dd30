import { addAggregate, changeAggregate, needAggregate } from '@etcd-compute/api/compute/engine/aggregates';
import { findServerGroup } from '@etcd-compute/api/compute/engine/server-groups';
import { hasZone, zoneOf } from '@etcd-compute/api/compute/engine/zones';
import type { Draft } from '@etcd-compute/api/compute/state/compute-store';
import { COMPUTE_KINDS, type Aggregate } from '@etcd-compute/api/compute/state/entities';
import { createDraft } from '@etcd-compute/api/state/draft';
import { RecordIndex } from '@etcd-compute/api/state/record-index';
import { expect, test } from 'vitest';
import { aHost } from './a-host.js';

const anIndex = () => {
  const index = new RecordIndex(COMPUTE_KINDS);
  const apply = <T>(plan: (draft: Draft) => T): T => {
    const draft = createDraft(COMPUTE_KINDS, index);
    const result = plan(draft);
    for (const { kind, id, value } of draft.writes()) index.apply({ key: `${kind}/${id}`, value });
    return result;
  };
  return { index, apply };
};

/** Two aggregates of two zones, without hosts. */
const twoZones = (hosts = [aHost('h1'), aHost('h2')]) => {
  const { index, apply } = anIndex();
  const make = (zone: string): Aggregate =>
    apply((draft) =>
      addAggregate(draft, {
        uuid: zone,
        name: zone,
        hosts: [],
        metadata: { availability_zone: zone },
        created_at: 0,
      }),
    );
  const put = (id: number, names: string[]): void => {
    const before = needAggregate(index, String(id));
    apply((draft) => changeAggregate(draft, { before, after: { ...before, hosts: names }, hosts, status: 409 }));
  };
  return { index, make, put, east: make('east'), west: make('west') };
};

test('a host is in the zone of its aggregate, else in nova; a zone is there when a host is in it', () => {
  const { index, put, east } = twoZones();
  expect([zoneOf(index, 'h1'), hasZone(index, 'nova'), hasZone(index, 'east')]).toEqual(['nova', true, false]);
  put(east.id, ['h1']);
  expect([zoneOf(index, 'h1'), zoneOf(index, 'h2'), hasZone(index, 'east')]).toEqual(['east', 'nova', true]);
  put(east.id, []);
  expect(zoneOf(index, 'h1')).toBe('nova');
});

test('a host is in one zone, and does not leave it with servers', () => {
  const { put, east, west } = twoZones([aHost('h1'), aHost('h2', { instances: 1 })]);
  put(east.id, ['h1']);
  expect(() => put(west.id, ['h1'])).toThrow('is in the availability zone east already');
  expect(() => put(west.id, ['h2'])).toThrow('has servers');
});

test('names and numbers of aggregates are given once', () => {
  const { index, make, east, west } = twoZones();
  expect([east.id, west.id]).toEqual([1, 2]);
  expect(() => make('east')).toThrow('already exists');
  expect(() => needAggregate(index, 'x')).toThrow('is a number');
  expect(() => needAggregate(index, '3')).toThrow('could not be found');
});

test('a group is found in its project alone', () => {
  const { index, apply } = anIndex();
  const group = {
    version: 1,
    id: 'g',
    project: 'p',
    user: 'u',
    name: 'web',
    policy: 'affinity',
    created_at: 0,
  } as const;
  apply((draft) => draft.put('server_group', group));
  expect(findServerGroup(index, 'g', 'p')).toEqual(group);
  expect(findServerGroup(index, 'g', undefined)).toEqual(group);
  expect(findServerGroup(index, 'g', 'other')).toBeUndefined();
});
