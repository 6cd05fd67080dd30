import type { Seen } from '@etcd-compute/api/compute/servers/engine/list-servers';
import { statusOf } from '@etcd-compute/api/compute/servers/engine/status';
import { reportUsage, sumByProject } from '@etcd-compute/api/compute/servers/engine/usage-report';
import type { Server } from '@etcd-compute/api/compute/servers/state/server-record';
import { expect, test } from 'vitest';
import { aFlavor, aReport, aServer } from './builders.js';

/** A time on the day that all of this is about. */
const at = (time: string): string => `2026-01-01T${time}:00.000Z`;
const msAt = (time: string): number => Date.parse(at(time));

const aSeen = (changes: Partial<Server>): Seen => {
  const server = aServer(changes);
  const report = aReport();
  return { server, report, status: statusOf(server, report) };
};

/** Between 8 and 16 o'clock, as seen at 18 o'clock. */
const usageOf = (...servers: readonly Partial<Server>[]) =>
  reportUsage(servers.map(aSeen), { start: msAt('08:00'), end: msAt('16:00'), now: msAt('18:00') });

test.each<[string, Partial<Server>, number]>([
  ['there before and after', { launched_at: at('02:00') }, 8],
  ['started within', { launched_at: at('12:30') }, 3.5],
  ['deleted within', { launched_at: at('02:00'), deleted_at: at('09:15') }, 1.25],
  ['started and deleted within', { launched_at: at('09:00'), deleted_at: at('09:30') }, 0.5],
  ['deleted after', { launched_at: at('10:00'), deleted_at: at('17:00') }, 6],
])('a server that was %s', (_name, server, hours) => {
  expect(usageOf(server)).toMatchObject([{ hours }]);
});

test.each<[string, Partial<Server>]>([
  ['has never run', { launched_at: null }],
  ['was deleted before', { launched_at: at('02:00'), deleted_at: at('08:00') }],
  ['came after', { launched_at: at('16:00') }],
])('a server that %s does not count', (_name, server) => {
  expect(usageOf(server)).toEqual([]);
});

test('a period does not reach beyond now', () => {
  const [usage] = reportUsage([aSeen({ launched_at: at('09:00') })], {
    start: msAt('08:00'),
    end: msAt('23:00'),
    now: msAt('10:00'),
  });
  expect(usage).toMatchObject({ hours: 1, uptimeSeconds: 3600, state: 'active', endedAt: null });
  const early = { start: msAt('20:00'), end: msAt('23:00'), now: msAt('10:00') };
  expect(reportUsage([aSeen({ launched_at: at('09:00') })], early)).toEqual([]);
});

test('projects are told apart, and their servers add up', () => {
  const flavor = { ...aFlavor(2), disk_gib: 3, ephemeral_gib: 1 };
  const usages = usageOf(
    { id: 'c', project: 'two', launched_at: at('15:00') },
    { id: 'b', project: 'one', launched_at: at('14:00'), flavor },
    { id: 'a', project: 'one', launched_at: at('12:00'), deleted_at: at('13:00') },
  );
  expect(usages.map(({ id, state }) => [id, state])).toEqual([
    ['a', 'terminated'],
    ['b', 'active'],
    ['c', 'active'],
  ]);
  expect(sumByProject(usages)).toMatchObject([
    {
      project: 'one',
      servers: [{ id: 'a' }, { id: 'b' }],
      hours: 3,
      vcpuHours: 1 + 4,
      memoryMiBHours: 64 + 256,
      diskGiBHours: 1 + 8,
    },
    { project: 'two', hours: 1 },
  ]);
});
