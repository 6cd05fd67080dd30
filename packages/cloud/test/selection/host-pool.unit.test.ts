import { newProviderUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { toCandidate, totalResources } from '@etcd-compute/common/capacity/candidate';
import { filterByPresence } from '@etcd-compute/cloud/selection/filters/presence';
import { createHostPool } from '@etcd-compute/cloud/selection/host-pool';
import type { Strategy } from '@etcd-compute/cloud/selection/strategies';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const [A, B, C, D] = [newProviderUuid(), newProviderUuid(), newProviderUuid(), newProviderUuid()];
const NONE: ReadonlySet<ProviderUuid> = new Set();

const candidateOn = (host: ProviderUuid, resources: Record<string, number>) => ({
  host,
  allocations: { [host]: { resources } },
});

interface HostRoom {
  readonly host: ProviderUuid;
  readonly capacity: number;
  readonly used: number;
}

const poolOf = (rooms: readonly HostRoom[], strategy: Strategy, asked = 1) =>
  createHostPool({
    candidates: rooms.map(({ host }) => candidateOn(host, { VCPU: asked })),
    rooms: new Map(rooms.map(({ host, capacity, used }) => [host, { VCPU: { capacity, used } }])),
    strategy,
    random: () => 0.5,
  });

const ROOMS = [
  { host: A, capacity: 10, used: 8 },
  { host: B, capacity: 10, used: 1 },
  { host: C, capacity: 10, used: 5 },
];

describe('host pool', () => {
  test('spread takes the emptiest host, pack the fullest that still has room', () => {
    expect(poolOf(ROOMS, 'spread').take(NONE)?.host).toBe(B);
    expect(poolOf(ROOMS, 'pack').take(NONE)?.host).toBe(A);
    expect(poolOf(ROOMS, 'pack', 4).take(NONE)?.host).toBe(C);
  });

  test('random breaks ties by the numbers it is given', () => {
    const numbers = [0.1, 0.9, 0.5];
    const pool = createHostPool({
      candidates: ROOMS.map(({ host }) => candidateOn(host, { VCPU: 1 })),
      rooms: new Map(),
      strategy: 'random',
      random: () => numbers.shift() ?? 0,
    });
    expect(pool.take(NONE)?.host).toBe(B);
  });

  test('counts what it has handed out, and takes back', () => {
    const pool = poolOf([{ host: A, capacity: 2, used: 0 }], 'spread');
    const first = pool.take(NONE);
    expect(pool.take(NONE)?.host).toBe(A);
    expect(pool.take(NONE)).toBeUndefined();
    if (first) pool.giveBack(first);
    expect(pool.take(NONE)?.host).toBe(A);
  });

  test('passes over excluded hosts', () => {
    expect(poolOf(ROOMS, 'spread').take(new Set([B]))?.host).toBe(C);
  });

  test('the scarcest resource class decides', () => {
    const pool = createHostPool({
      candidates: [candidateOn(A, { VCPU: 1, MEMORY_MB: 1 }), candidateOn(B, { VCPU: 1, MEMORY_MB: 1 })],
      rooms: new Map([
        [A, { VCPU: { capacity: 100, used: 0 }, MEMORY_MB: { capacity: 100, used: 90 } }],
        [B, { VCPU: { capacity: 100, used: 50 }, MEMORY_MB: { capacity: 100, used: 50 } }],
      ]),
      strategy: 'spread',
      random: () => 0.5,
    });
    expect(pool.take(NONE)?.host).toBe(B);
  });

  test('never hands out more than there is, whatever the fleet and the strategy', () => {
    const room = fc.record({ capacity: fc.integer({ min: 0, max: 20 }), used: fc.integer({ min: 0, max: 20 }) });
    const strategy = fc.constantFrom<Strategy>('spread', 'pack', 'random');
    fc.assert(
      fc.property(
        fc.array(room, { maxLength: 6 }),
        strategy,
        fc.integer({ min: 1, max: 5 }),
        (fleet, strategy, asked) => {
          const rooms = fleet.map((host) => ({ ...host, host: newProviderUuid() }));
          const pool = poolOf(rooms, strategy, asked);
          const taken = new Map<ProviderUuid, number>();
          for (let next = pool.take(NONE); next; next = pool.take(NONE))
            taken.set(next.host, (taken.get(next.host) ?? 0) + asked);
          for (const { host, capacity, used } of rooms) {
            const left = Math.max(0, capacity - used);
            expect(taken.get(host) ?? 0).toBe(left - (left % asked));
          }
        },
      ),
    );
  });
});

describe('toCandidate', () => {
  test('the host is the provider of the VCPUs, also beside a shared disk', () => {
    const allocations = { [A]: { resources: { DISK_GB: 5 } }, [B]: { resources: { VCPU: 1, MEMORY_MB: 2 } } };
    expect(toCandidate({ allocations })?.host).toBe(B);
    expect(totalResources(allocations)).toEqual({ DISK_GB: 5, VCPU: 1, MEMORY_MB: 2 });
  });

  test('without VCPUs it is the first provider', () => {
    expect(toCandidate({ allocations: { [A]: { resources: { DISK_GB: 5 } } } })?.host).toBe(A);
    expect(toCandidate({ allocations: {} })).toBeUndefined();
  });
});

test('filterByPresence leaves out hosts whose agents would pass over a member of the boot request', () => {
  const agent = { state: 'up' as const, trouble: null, layout: 2 };
  const agents = new Map([
    [A, { ...agent, members: ['disks', 'more'] }],
    [B, { ...agent, members: undefined }],
  ]);
  const candidates = [A, B].map((host) => candidateOn(host, { VCPU: 1 }));
  expect(filterByPresence(candidates, agents, { members: ['disks'] })).toEqual({
    kept: candidates.slice(0, 1),
    dropped: [{ host: B, reason: 'its agent is of an older version: upgrade it' }],
  });
  expect(filterByPresence(candidates, agents).kept).toEqual(candidates);
});

test('filterByPresence leaves out hosts that lack a network', () => {
  const agent = { state: 'up' as const, trouble: null, layout: 2, drain: null, members: ['nics'] };
  const agents = new Map([
    [A, { ...agent, networks: ['ecompute', 'storage', 'bridge:br0'] }],
    [B, { ...agent, networks: ['ecompute', 'bridge:br0'] }],
  ]);
  const candidates = [A, B].map((host) => candidateOn(host, { VCPU: 1 }));
  expect(filterByPresence(candidates, agents, { members: ['nics'], networks: ['bridge:br0', 'storage'] })).toEqual({
    kept: candidates.slice(0, 1),
    dropped: [{ host: B, reason: 'lacks network storage; it has ecompute, bridge:br0' }],
  });
});

test('filterByPresence says of each dropped host why', () => {
  const E = newProviderUuid();
  const candidates = [A, B, C, D, E].map((host) => candidateOn(host, { VCPU: 1 }));
  const trouble = { code: 'libvirt-hangs', since: new Date().toISOString(), message: 'it does not answer' };
  const agents = new Map([
    [A, { state: 'up' as const, trouble: null, layout: 2, members: undefined }],
    [B, { state: 'draining' as const, trouble: null, layout: 2, members: undefined }],
    [D, { state: 'up' as const, trouble, layout: 2, members: undefined }],
    [E, { state: 'up' as const, trouble: null, layout: undefined, members: undefined }],
  ]);
  const { kept, dropped } = filterByPresence(candidates, agents);
  expect(kept.map(({ host }) => host)).toEqual([A]);
  expect(dropped).toEqual([
    { host: B, reason: 'its agent is draining' },
    { host: C, reason: 'its agent is down' },
    { host: D, reason: expect.stringMatching(/^libvirt hangs since \d\d:\d\d:\d\d: it does not answer$/) },
    { host: E, reason: 'its agent is of an older version: upgrade it' },
  ]);
});
