import { describe, expect, test } from 'vitest';
import { compare } from '../src/compare.js';
import type { Reply } from '../src/exchange.js';
import { KNOWN_DIFFERENCES } from '../src/known-differences.js';
import type { FuzzRequest } from '../src/request.js';

const aReply = (reply: Partial<Reply>): Reply => ({ status: 200, headers: {}, body: {}, ...reply });

const candidates = (...providers: readonly string[]): Reply =>
  aReply({
    body: {
      allocation_requests: providers.map((provider) => ({ allocations: { [provider]: { resources: { VCPU: 1 } } } })),
      provider_summaries: { shared: { traits: ['MISC_SHARES_VIA_AGGREGATE'] }, host: { traits: [] } },
    },
  });

const ask = (query: string): FuzzRequest => ({ method: 'GET', path: `/allocation_candidates?${query}`, version: 39 });

const isKnown = (...[request, ours, theirs]: readonly [FuzzRequest, Reply, Reply]): boolean =>
  KNOWN_DIFFERENCES.some(({ explains }) => explains(request, ours, theirs));

describe('compare', () => {
  test('takes lists as sets', () => {
    expect(compare(ask('resources=VCPU:1'), candidates('a', 'b'), candidates('b', 'a'))).toBeUndefined();
    expect(compare(ask('resources=VCPU:1'), candidates('a', 'a'), candidates('a'))).toBe('body');
  });

  test('compares the codes of errors, not their texts', () => {
    const error = (code: string, detail: string): Reply =>
      aReply({ status: 409, body: { errors: [{ code, detail }] } });
    const request = ask('');
    expect(compare(request, error('x', 'one'), error('x', 'other'))).toBeUndefined();
    expect(compare(request, error('x', 'one'), error('y', 'one'))).toBe('code x instead of y');
  });
});

describe('known differences', () => {
  const groups = ask('resources=DISK_GB:1&resources_A=VCPU:1&group_policy=none');

  test('explain more candidates than theirs only where something is shared', () => {
    expect(isKnown(groups, candidates('host', 'shared'), candidates('host'))).toBe(true);
    expect(isKnown(groups, candidates('host', 'shared'), candidates('shared'))).toBe(false);
  });

  test('never explain fewer candidates than theirs', () => {
    expect(isKnown(groups, candidates('host'), candidates('host', 'shared'))).toBe(false);
  });
});
