import { findMiscounts } from '@etcd-compute/chaos/invariants/counted';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import { PlacementIndex } from '@etcd-compute/placement/index/placement-index';
import { keyOf } from '@etcd-compute/placement/model/keys';
import { expect, test } from 'vitest';

const [host, other, instance, foreign] = [newProviderUuid(), newProviderUuid(), newInstanceUuid(), newInstanceUuid()];
const TIMES = { createdAt: 0, updatedAt: 0 };

interface Counted {
  readonly used?: number;
  readonly held?: number;
  readonly total?: number;
  readonly reserved?: number;
}

/** One consumer of ours holds something of the host, and somebody else's one of it. */
const count = ({ used = 3, held = 2, total = 4, reserved = 0 }: Counted): PlacementIndex => {
  const index = new PlacementIndex();
  const put = (key: string, value: object): void => {
    index.apply({ key, value: JSON.stringify(value), modRevision: 1n });
  };
  const inventory = { total, reserved, min_unit: 1, max_unit: total, step_size: 1, allocation_ratio: 1 };
  const provider = { ...TIMES, uuid: host, name: 'a', parent: null, traits: [], aggregates: [] };
  put(keyOf('provider', host), { ...provider, inventories: { VCPU: inventory } });
  put(keyOf('usage', host), { generation: 1, used: { VCPU: used } });
  const consumer = { ...TIMES, generation: 1, project: 'p', user: 'u', type: null };
  put(keyOf('consumer', instance), { ...consumer, uuid: instance, allocations: { [host]: { VCPU: held } } });
  put(keyOf('consumer', foreign), { ...consumer, uuid: foreign, allocations: { [host]: { VCPU: 1 } } });
  return index;
};

const rulesBroken = (counted: Counted, requests = [{ instance, host }]): string[] =>
  findMiscounts(count(counted), { requests, foreign }).map(({ rule }) => rule);

test('what is wished and fits is right, also on a host that takes nothing new', () => {
  expect(rulesBroken({})).toEqual([]);
  expect(rulesBroken({ reserved: 4 })).toEqual([]);
});

test('room without a request, or on another host than that of the request', () => {
  expect(rulesBroken({}, [])).toEqual(['allocation without request']);
  expect(rulesBroken({}, [{ instance, host: other }])).toEqual(['allocation without request']);
});

test('used is not what is held, and more is used than there is', () => {
  expect(rulesBroken({ used: 2 })).toEqual(['miscounted']);
  expect(rulesBroken({ held: 4, used: 5 })).toEqual(['more than there is']);
  expect(rulesBroken({ reserved: 2 })).toEqual(['more than there is']);
});
