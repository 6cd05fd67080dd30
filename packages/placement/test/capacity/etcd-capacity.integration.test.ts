/** Capacity counted in etcd keeps the promises that one counted by a Placement service keeps. */
import { randomUUID } from 'node:crypto';
import type { Capacity, HostOffer, NewAllocation } from '@etcd-compute/common/capacity/capacity';
import { createPlacementCapacity } from '@etcd-compute/common/capacity/placement-capacity';
import { parseWant } from '@etcd-compute/common/capacity/want';
import { etcdSection, placementSection } from '@etcd-compute/common/config/sections';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { newInstanceUuid, newProviderUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { openPlacement } from '@etcd-compute/common/placement/client';
import { createEtcdCapacity } from '@etcd-compute/placement/capacity/etcd-capacity';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { startPlacement, type PlacementServer } from '@etcd-compute/testing/placement-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let etcd: EtcdServer;
let placement: PlacementServer;
let store: Store;
let service: Capacity;

beforeAll(async () => {
  [etcd, placement] = await Promise.all([startEtcd(), startPlacement()]);
  store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port, timeout: 60 }));
  service = createPlacementCapacity(await openPlacement(placementSection.parse({ endpoint: placement.endpoint })));
});
afterAll(async () => {
  service.close();
  await store.close();
  await Promise.all([etcd.stop(), placement.stop()]);
});

const offer = (name: string, vcpus = 4): HostOffer => {
  const of = (total: number) => ({ total, reserved: 0, allocation_ratio: 1, max_unit: total });
  return {
    name,
    inventories: { VCPU: of(vcpus), MEMORY_MB: of(4096), DISK_GB: of(100) },
    traits: ['HW_CPU_X86_AVX', 'CUSTOM_FAST'],
    aggregates: [],
  };
};

const SMALL = { VCPU: 1, MEMORY_MB: 256, DISK_GB: 5 };

const newAllocation = (host: ProviderUuid, resources: Record<string, number> = SMALL): NewAllocation => ({
  instance: newInstanceUuid(),
  allocations: { [host]: { resources } },
  userId: 'someone',
  projectId: 'somewhere',
});

/** Each time other hosts: an empty cloud for the test. */
const open = (kind: string): Capacity =>
  kind === 'service' ? service : createEtcdCapacity({ store, keys: { placement: `/${randomUUID()}/` } });

const allocate = async (capacity: Capacity, ...requests: readonly NewAllocation[]): Promise<string> => {
  const result = await capacity.allocate(requests);
  if (result.outcome !== 'allocated') return result.outcome;
  return (await capacity.settle(result.claim)) ? 'allocated' : 'changed';
};

describe.each(['service', 'etcd'])('counted by %s', (kind) => {
  test('a host is published once, and again only where it differs', async () => {
    const capacity = open(kind);
    const host = newProviderUuid();
    await capacity.check(host);
    expect(await capacity.generationOf(host)).toBeUndefined();
    expect(await capacity.publish(host, offer(host))).toBe(true);
    expect(await capacity.publish(host, offer(host))).toBe(false);
    const generation = await capacity.generationOf(host);
    expect(await capacity.publish(host, offer(host, 8))).toBe(true);
    expect(await capacity.generationOf(host)).toBeGreaterThan(generation ?? 0);
    const facts = await capacity.describeHost(host, { hasAggregates: true });
    expect(facts).toMatchObject({
      inventories: { VCPU: { total: 8, reserved: 0, allocation_ratio: 1, min_unit: 1, max_unit: 8, step_size: 1 } },
      usages: { VCPU: 0, MEMORY_MB: 0, DISK_GB: 0 },
      aggregates: [],
    });
    expect(facts.traits.toSorted()).toEqual(['CUSTOM_FAST', 'HW_CPU_X86_AVX']);
    expect(await capacity.hosts()).toContainEqual(expect.objectContaining({ uuid: host, name: host }));
    expect(await capacity.remove(host)).toBe('removed');
    expect(await capacity.remove(host)).toBe('removed');
    expect(await capacity.generationOf(host)).toBeUndefined();
  });

  test('what is allocated is held, counted and released', async () => {
    const capacity = open(kind);
    const host = newProviderUuid();
    await capacity.publish(host, offer(host));
    const [one, other] = [newAllocation(host), newAllocation(host)];
    expect(await allocate(capacity, one, other)).toBe('allocated');
    expect(await capacity.consumersOn(host)).toEqual(
      new Map([one, other].map(({ instance }): [InstanceUuid, object] => [instance, SMALL])),
    );
    const held = await capacity.read(one.instance);
    expect(held).toMatchObject({
      allocations: { [host]: { resources: SMALL } },
      generation: 1,
      userId: 'someone',
      projectId: 'somewhere',
      consumerType: 'INSTANCE',
    });
    expect((await capacity.describeHost(host)).usages).toEqual({ VCPU: 2, MEMORY_MB: 512, DISK_GB: 10 });
    expect(await capacity.remove(host)).toBe('in-use');

    const larger = { [host]: { resources: { ...SMALL, VCPU: 3 } } };
    const grown = await capacity.reallocate(one.instance, { held, allocations: larger });
    expect(grown.outcome === 'allocated' && (await capacity.settle(grown.claim))).toBe(true);
    expect(await capacity.reallocate(one.instance, { held, allocations: larger })).toMatchObject({
      outcome: 'changed',
    });
    const now = await capacity.read(one.instance);
    const tooMuch = { [host]: { resources: { ...SMALL, VCPU: 4 } } };
    expect(await capacity.reallocate(one.instance, { held: now, allocations: tooMuch })).toMatchObject({
      outcome: 'no-room',
    });
    expect(await allocate(capacity, newAllocation(host))).toBe('no-room');

    expect(await capacity.release(one.instance, held)).toBe('changed');
    expect(await capacity.release(one.instance, now)).toBe('released');
    expect(await capacity.release(one.instance)).toBe('released');
    expect((await capacity.read(one.instance)).allocations).toEqual({});
    expect(await capacity.settle(await capacity.releaseWith(other.instance))).toBe(true);
    expect((await capacity.describeHost(host)).usages).toEqual({ VCPU: 0, MEMORY_MB: 0, DISK_GB: 0 });
    expect(await capacity.consumersOn(host)).toEqual(new Map());
  });

  test('all of several or none', async () => {
    const capacity = open(kind);
    const host = newProviderUuid();
    await capacity.publish(host, offer(host));
    const five = Array.from({ length: 5 }, () => newAllocation(host));
    expect(await allocate(capacity, ...five)).toBe('no-room');
    expect(await capacity.consumersOn(host)).toEqual(new Map());
    expect(await allocate(capacity, ...five.slice(1))).toBe('allocated');
  });

  test('candidates are hosts with room that are as they are wanted', async () => {
    const capacity = open(kind);
    const [small, large] = [newProviderUuid(), newProviderUuid()];
    const mine = `CUSTOM_${randomUUID().replaceAll('-', '').toUpperCase()}`;
    await capacity.publish(small, { ...offer(small), traits: [mine] });
    await capacity.publish(large, { ...offer(large, 16), traits: [mine, 'HW_CPU_X86_AVX2'] });
    const found = async (query: string): Promise<string[]> => {
      const { candidates } = await capacity.candidates(parseWant(query), 10);
      return candidates.map(({ host }) => host).toSorted();
    };
    expect(await found(`resources=VCPU:1&required=${mine}`)).toEqual([small, large].toSorted());
    expect(await found(`resources=VCPU:8&required=${mine}`)).toEqual([large]);
    expect(await found(`resources=VCPU:1&required=${mine},!HW_CPU_X86_AVX2`)).toEqual([small]);
    expect(await found(`resources=VCPU:17&required=${mine}`)).toEqual([]);
    const { candidates, rooms } = await capacity.candidates({ resources: SMALL, required: [mine] }, 1);
    expect(candidates).toHaveLength(1);
    const [{ host, allocations } = { host: small, allocations: {} }] = candidates;
    expect(allocations).toEqual({ [host]: { resources: SMALL } });
    expect(rooms.get(host)).toMatchObject({ VCPU: { capacity: host === large ? 16 : 4, used: 0 } });
    await expect(found('resources=NONSENSE:1')).rejects.toMatchObject({ code: 'ECOMPUTE_PLACEMENT_REFUSED' });
  });
});

test('what lost its race is not written, and is claimed anew', async () => {
  const capacity = open('etcd');
  const host = newProviderUuid();
  await capacity.publish(host, offer(host));
  const claims = await Promise.all(
    Array.from({ length: 2 }, async () => capacity.allocate([newAllocation(host, { ...SMALL, VCPU: 4 })])),
  );
  const settled = claims.map(async (one) => one.outcome === 'allocated' && (await capacity.settle(one.claim)));
  expect((await Promise.all(settled)).filter(Boolean)).toHaveLength(1);
  expect(await allocate(capacity, newAllocation(host))).toBe('no-room');
});

test('a claim goes with a transaction of its owner’s, and counts for nothing without it', async () => {
  const capacity = open('etcd');
  const host = newProviderUuid();
  await capacity.publish(host, offer(host));
  const wanted = newAllocation(host);
  const result = await capacity.allocate([wanted]);
  if (result.outcome !== 'allocated') throw result.err;
  expect((await capacity.read(wanted.instance)).allocations).toEqual({});
  const key = `/${randomUUID()}`;
  const { isCommitted } = await store.txn(
    [{ key, modRevision: '0' }, ...result.claim.guards],
    [{ op: 'put', key, value: 'mine' }, ...result.claim.writes],
  );
  expect(isCommitted).toBe(true);
  expect((await capacity.read(wanted.instance)).allocations).toEqual(wanted.allocations);
});

test('among many hosts a few are read, and all when only one of them has room', async () => {
  const capacity = open('etcd');
  const hosts = Array.from({ length: 300 }, newProviderUuid);
  const [only] = hosts;
  for (let start = 0; start < hosts.length; start += 30)
    await Promise.all(
      hosts.slice(start, start + 30).map(async (host) => capacity.publish(host, offer(host, host === only ? 9 : 4))),
    );
  expect((await capacity.candidates({ resources: { VCPU: 9 } }, 10)).candidates.map(({ host }) => host)).toEqual([
    only,
  ]);
  const { candidates } = await capacity.candidates({ resources: { VCPU: 1 } }, 1000);
  expect(new Set(candidates.map(({ host }) => host)).size).toBe(300);
});

test('many are allocated at once, each on a host of its own', async () => {
  const capacity = open('etcd');
  const hosts = Array.from({ length: 40 }, newProviderUuid);
  await Promise.all(hosts.map(async (host) => capacity.publish(host, offer(host))));
  expect(await allocate(capacity, ...hosts.map((host) => newAllocation(host)))).toBe('allocated');
});
