import { formatMB } from '../figures.js';
import { renderTable } from '../render-table.js';
import type { CommandFigures } from './commands.js';
import type { BootFigures } from './measure-boots.js';
import { sum, type Traffic } from './traffic.js';

const s = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} s`;
const ms = (value: number): string => `${value.toFixed(0)} ms`;
const n = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));

export interface SizeFigures {
  readonly hosts: number;
  readonly singly: BootFigures;
  readonly together: BootFigures;
  readonly destroysPerSecond: number;
  readonly startsPerSecond: number;
  readonly idle: Traffic;
  readonly kibPerAgent: number;
}

/** One column for each size of the fleet. */
export const renderSizes = (sizes: readonly SizeFigures[], { together }: { together: number }): string => {
  const row = (name: string, of: (size: SizeFigures) => string): string[] => [name, ...sizes.map(of)];
  const perMinute = (of: (idle: Traffic) => number) => (size: SizeFigures) =>
    n((of(size.idle) / size.idle.seconds / size.hosts) * 60);
  const bootRows = (kind: string, of: (size: SizeFigures) => BootFigures): string[][] => [
    row(`${kind}: request to active, p50, p95, p99`, (size) => {
      const { p50, p95, p99 } = of(size);
      return [p50, p95, p99].map(s).join(', ');
    }),
    row(`${kind}: calls of Placement each`, (size) => n(of(size).placementCalls)),
    row(`${kind}: calls of etcd each, eschedule + agent`, (size) => {
      const { etcdCallsOfScheduler, etcdCallsOfAgents } = of(size);
      return `${n(etcdCallsOfScheduler)} + ${n(etcdCallsOfAgents)}`;
    }),
    row(`${kind}: processor each, eschedule + Placement + etcd + agent`, (size) => {
      const { eschedule, placement, etcd, agents } = of(size).cpuSeconds;
      return [eschedule, placement, etcd, agents].map((seconds) => ms(seconds * 1000)).join(' + ');
    }),
  ];
  return renderTable(
    ['hosts', ...sizes.map(({ hosts }) => String(hosts))],
    [
      row('one boot: the command', ({ singly }) => s(singly.commandSeconds)),
      row('one boot: of it in Placement', ({ singly }) => ms(singly.placementMs)),
      ...bootRows('one boot', ({ singly }) => singly),
      row(`${together} boots: a second`, (size) => n(size.together.perSecond)),
      ...bootRows(`${together} boots`, (size) => size.together),
      row('destroys a second', ({ destroysPerSecond }) => n(destroysPerSecond)),
      row('agents that come up a second', ({ startsPerSecond }) => n(startsPerSecond)),
      row('memory for each agent, many in a process', ({ kibPerAgent }) => formatMB(kibPerAgent)),
      row(
        'idle: calls of etcd a host and minute',
        perMinute(({ etcdCalls }) => sum(etcdCalls)),
      ),
      row(
        'idle: bytes to etcd a host and minute',
        perMinute(({ etcdBytesIn }) => Math.round(etcdBytesIn)),
      ),
      row(
        'idle: bytes from etcd a host and minute',
        perMinute(({ etcdBytesOut }) => Math.round(etcdBytesOut)),
      ),
      row(
        'idle: calls of Placement a host and minute',
        perMinute(({ placementCalls }) => sum(placementCalls)),
      ),
      row('idle: processors, etcd + Placement + agents', ({ idle: { cpuSeconds, seconds } }) =>
        [cpuSeconds.etcd, cpuSeconds.placement, cpuSeconds.agents]
          .map((taken) => (taken / seconds).toFixed(2))
          .join(' + '),
      ),
    ],
  );
};

/** What an idle fleet asks, each kind of call by host and minute. */
export const renderIdle = (idle: Traffic, hosts: number): string => {
  const rows = [
    ...[...idle.etcdCalls].map(([call, count]) => [`etcd ${call}`, count] as const),
    ...[...idle.placementCalls].map(([call, count]) => [`Placement ${call}`, count] as const),
  ]
    .map(([call, count]) => [call, (count / hosts / idle.seconds) * 60] as const)
    .filter(([, rate]) => rate >= 0.01)
    .toSorted(([, a], [, b]) => b - a);
  return renderTable(
    ['call', 'a host and minute'],
    rows.map(([call, rate]) => [call, rate.toFixed(2)]),
  );
};

export interface CommandsAt {
  readonly instances: number;
  readonly figures: readonly CommandFigures[];
}

/** @param many the same among more, beside them. */
export const renderCommands = (few: CommandsAt, many?: CommandsAt): string => {
  const cells = (figures: CommandFigures | undefined): string[] => {
    if (!figures) return ['', '', '', ''];
    const { seconds, cpuSeconds, peakKiB, placementCalls, etcdCalls, failure } = figures;
    if (failure !== undefined) return [`${s(seconds)}, failed`, s(cpuSeconds), formatMB(peakKiB), ''];
    return [s(seconds), s(cpuSeconds), formatMB(peakKiB), `${n(placementCalls)} + ${n(etcdCalls)}`];
  };
  const ratios = (before: CommandFigures, after: CommandFigures | undefined): string => {
    if (!after || before.failure !== undefined || after.failure !== undefined) return '';
    const values = [after.seconds / before.seconds, after.cpuSeconds / before.cpuSeconds];
    return values.map((ratio) => ratio.toFixed(2)).join(', ');
  };
  const rows = few.figures.map((before) => {
    const after = many?.figures.find(({ command }) => command === before.command);
    return [`\`${before.command}\``, ...cells(before), ...(many ? [...cells(after), ratios(before, after)] : [])];
  });
  const failures = [few, ...(many ? [many] : [])].flatMap(({ instances, figures }) =>
    figures.flatMap(({ command, failure }) =>
      failure === undefined ? [] : [`failed at ${instances}: ${command}: ${failure}`],
    ),
  );
  const columns = ({ instances }: CommandsAt): string[] => [
    `at ${instances}`,
    'processor',
    'memory',
    'Placement + etcd',
  ];
  const header = ['command', ...columns(few), ...(many ? [...columns(many), 'ratios'] : [])];
  return [renderTable(header, rows), ...failures].join('\n');
};
