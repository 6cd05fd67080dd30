import { MEMBERS, runChaos } from '@etcd-compute/chaos/run';
import { planSchedule } from '@etcd-compute/chaos/schedule';
import { expect, test } from 'vitest';

/** A short run of `npm run chaos`, always the same: what it finds, longer runs of other seeds will find too. */
test('chaos: after six rounds of faults everything that must hold holds', { timeout: 600_000 }, async () => {
  const options = {
    rounds: 6,
    seed: 79,
    agents: 2,
    hasGuests: false,
    hasRoles: true,
    hasDisasters: false,
    placement: process.env['TEST_PLACEMENT'] === 'etcd' ? ('etcd' as const) : ('service' as const),
    eapis: 2,
    checkEvery: 3,
  };
  const result = await runChaos({ ...options, signal: new AbortController().signal, onProgress: () => undefined });
  expect(result.told).toEqual([]);
  expect(result.violations).toEqual([]);
  expect(result.roundsPlayed).toBe(options.rounds);
  expect(result.tally.checks).toBe(2);
  const { rounds } = planSchedule({ ...options, members: MEMBERS });
  const planned = rounds.flatMap(({ operations }) => operations);
  expect(new Set(result.tally.operations.keys())).toEqual(new Set(planned.map(({ kind }) => kind)));
  const asked = rounds.flatMap(({ requests }) => requests);
  expect(new Set(result.tally.requests.keys())).toEqual(new Set(asked.map(({ kind }) => kind)));
  expect(result.tally.requests.get('server-create')?.get('202')).toBeGreaterThan(0);
  expect(result.tally.revisionsOfServers).toBeGreaterThan(10);
  const sum = (counts: Iterable<Readonly<Record<string, number>>>): number =>
    [...counts].flatMap((count) => Object.values(count)).reduce((total, count) => total + count, 0);
  expect(result.tally.states.get('active')).toBeGreaterThan(0);
  // Otherwise nothing was asked, or nothing went wrong, and the run proves nothing. How much of it was done is a matter of the machine.
  expect(sum(result.tally.operations.values())).toBeGreaterThan(10);
  expect(sum(result.tally.faults.values())).toBeGreaterThan(5);
});
