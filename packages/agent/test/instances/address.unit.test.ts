import { startedAfter } from '@etcd-compute/agent/instances/address';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { expect, test } from 'vitest';
import { aRecord } from './builders.js';

type State = InstanceRecord['state'];

/** The nth transition is at second n. */
const startOf = (...states: readonly State[]): number => {
  const transitions = states.map((state, second) => ({
    at: new Date(second * 1000).toISOString(),
    state,
    reason: 'x',
  }));
  return startedAfter(aRecord({ transitions, created_at: new Date(99_000).toISOString() })).getTime() / 1000;
};

test.each([
  ['what came before it was active', ['scheduled', 'building', 'active'], 1],
  ['its last start', ['scheduled', 'building', 'active', 'stopped', 'active'], 3],
  ['the start before its domain was lost for a while', ['scheduled', 'building', 'active', 'error', 'active'], 1],
  ['a start after that', ['building', 'active', 'error', 'active', 'stopped', 'active'], 4],
  ['its creation, when all else is forgotten', ['error'], 99],
] as const)('a guest was started after %s', (_what, states, second) => {
  expect(startOf(...states)).toBe(second);
});
