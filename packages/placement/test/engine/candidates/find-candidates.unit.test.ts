import { describe, expect, test } from 'vitest';
import { findCandidates } from '../../../src/engine/candidates/find-candidates.js';
import type { Candidate, CandidatesRequest, RequestGroup } from '../../../src/engine/candidates/request.js';
import { aView, type ProviderSeed } from '../../a-view.js';

const aGroup = (group: Partial<RequestGroup>): RequestGroup => ({
  resources: {},
  requiredTraits: [],
  forbiddenTraits: [],
  memberOf: [],
  forbiddenAggregates: [],
  ...group,
});

const aRequest = (
  groups: Readonly<Record<string, Partial<RequestGroup>>>,
  rest: Partial<CandidatesRequest> = {},
): CandidatesRequest => ({
  groups: new Map(Object.entries(groups).map(([suffix, group]) => [suffix, aGroup(group)])),
  groupPolicy: 'none',
  sameSubtrees: [],
  rootRequiredTraits: [],
  rootForbiddenTraits: [],
  mayNest: true,
  ...rest,
});

/** `HOST VCPU:1 MEMORY_MB:2, ...` */
const render = ({ allocations }: Candidate): string =>
  [...allocations]
    .map(([provider, resources]) => [provider, ...Object.entries(resources).map((entry) => entry.join(':'))].join(' '))
    .toSorted()
    .join(', ');

const hosts = (count: number, seed: ProviderSeed): Record<string, ProviderSeed> =>
  Object.fromEntries(Array.from({ length: count }, (_none, at) => [`host-${at}`, seed]));

/** Hosts with devices of one each below them. */
const withDevices = (hostCount: number, deviceCount: number): Record<string, ProviderSeed> =>
  Object.fromEntries(
    Array.from({ length: hostCount }, (_none, host) => [
      [`host-${host}`, { has: { VCPU: 64 } }] as const,
      ...Array.from(
        { length: deviceCount },
        (_none, at) => [`host-${host}-gpu-${at}`, { parent: `host-${host}`, has: { PGPU: 1 } }] as const,
      ),
    ]).flat(),
  );

const deviceGroups = (count: number): Record<string, Partial<RequestGroup>> =>
  Object.fromEntries(Array.from({ length: count }, (_none, at) => [`_${at}`, { resources: { PGPU: 1 } }]));

describe('findCandidates', () => {
  test('takes no more than a limit, of different trees before two of one tree', () => {
    const view = aView(withDevices(3, 4));
    const request = aRequest({ '': { resources: { VCPU: 1, PGPU: 1 } } }, { limit: 4 });
    const { candidates } = findCandidates(view, request);
    expect(candidates.map(render)).toEqual([
      'host-0 VCPU:1, host-0-gpu-0 PGPU:1',
      'host-1 VCPU:1, host-1-gpu-0 PGPU:1',
      'host-2 VCPU:1, host-2-gpu-0 PGPU:1',
      'host-0 VCPU:1, host-0-gpu-1 PGPU:1',
    ]);
    const { candidates: deep } = findCandidates(view, request, { strategy: 'depth-first' });
    expect(deep.map(render).filter((text) => text.startsWith('host-0 '))).toHaveLength(4);
  });

  test('takes what several groups need of one provider together', () => {
    const view = aView({
      full: { has: { VCPU: { total: 8, max_unit: 3 } }, used: { VCPU: 4 } },
      roomy: { has: { VCPU: { total: 8, max_unit: 4 } } },
    });
    const request = aRequest({ '': { resources: { VCPU: 2 } }, _A: { resources: { VCPU: 2 } } });
    expect(findCandidates(view, request).candidates.map(render)).toEqual(['roomy VCPU:4']);
  });

  test('shows what is only shared once, however many trees it is shared with', () => {
    const view = aView({
      ...hosts(3, { has: { VCPU: 8 }, aggregates: ['rack'] }),
      disk: { has: { DISK_GB: 100 }, traits: ['MISC_SHARES_VIA_AGGREGATE'], aggregates: ['rack'] },
    });
    expect(findCandidates(view, aRequest({ _A: { resources: { DISK_GB: 1 } } })).candidates.map(render)).toEqual([
      'disk DISK_GB:1',
    ]);
    expect(findCandidates(view, aRequest({ '': { resources: { VCPU: 1, DISK_GB: 1 } } })).candidates).toHaveLength(3);
  });

  test('finds every way to give eight devices to eight groups, and none for nine', () => {
    const view = aView(withDevices(1, 4));
    const found = (count: number): number => findCandidates(view, aRequest(deviceGroups(count))).candidates.length;
    expect([found(3), found(4), found(5)]).toEqual([24, 24, 0]);
  });

  test('ends soon where many devices are wanted, and says when it has not looked at all', () => {
    const view = aView(withDevices(100, 8));
    const few = findCandidates(view, aRequest(deviceGroups(8), { limit: 10 }));
    expect({ count: few.candidates.length, isComplete: few.isComplete }).toEqual({ count: 10, isComplete: true });
    const all = findCandidates(view, aRequest(deviceGroups(8)), { maxChoices: 20_000 });
    expect(all.isComplete).toBe(false);
    expect(all.candidates.length).toBeGreaterThan(100);
    const tooMany = findCandidates(view, aRequest(deviceGroups(9)));
    expect(tooMany).toEqual({ candidates: [], isComplete: true });
  });

  test('looks at a dead end once, however many orders lead to it', () => {
    // There is a device for each group, but nine want a red one, and eight are red.
    const devices = Array.from({ length: 16 }, (_none, at) => [
      `gpu-${at}`,
      { parent: 'host', has: { PGPU: 1 }, traits: at < 8 ? ['CUSTOM_RED'] : [] },
    ]);
    const groups = Object.entries(deviceGroups(16)).map(([suffix, group], at) => [
      suffix,
      { ...group, requiredTraits: at < 9 ? [['CUSTOM_RED']] : [] },
    ]);
    const view = aView({ host: {}, ...Object.fromEntries(devices) });
    const result = findCandidates(view, aRequest(Object.fromEntries(groups)), { maxChoices: 10_000 });
    expect(result).toEqual({ candidates: [], isComplete: true });
  });

  test('starts anywhere when the order is random', () => {
    const view = aView(hosts(10, { has: { VCPU: 8 } }));
    const request = aRequest({ '': { resources: { VCPU: 1 } } }, { limit: 2 });
    const found = (random: number): readonly string[] =>
      findCandidates(view, request, { random: () => random })
        .candidates.map(render)
        .toSorted();
    expect(found(0.95)).toEqual(['host-0 VCPU:1', 'host-9 VCPU:1']);
    expect(found(0)).toEqual(['host-0 VCPU:1', 'host-1 VCPU:1']);
  });
});
