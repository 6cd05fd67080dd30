import { formatMB, median } from '../figures.js';
import { renderTable } from '../render-table.js';
import type { BootsFigures } from './boots.js';
import type { Summary } from './schedule.js';

export interface ScheduleFigures extends Summary {
  readonly hosts: number;
  readonly name: string;
}

export const renderSchedules = (figures: readonly ScheduleFigures[]): string =>
  renderTable(
    ['hosts', 'by', 'a second (all runs)', 'median', 'p50, p99', 'processor: server, etcd, client', 'conflicts'],
    figures.map(({ hosts, name, perSecond, p50, p99, cpuMs, conflicts }) => [
      String(hosts),
      name,
      perSecond.map(rate).join(', '),
      rate(median(perSecond)),
      `${p50.toFixed(1)}, ${p99.toFixed(1)} ms`,
      [cpuMs.server, cpuMs.etcd, cpuMs.client].map((value) => `${value.toFixed(2)} ms`).join(', '),
      String(conflicts),
    ]),
  );

const rate = (perSecond: number): string => perSecond.toFixed(perSecond < 100 ? 1 : 0);

export interface MemoryFigures {
  readonly what: string;
  readonly kib: number;
}

export const renderMemory = (figures: readonly MemoryFigures[]): string =>
  renderTable(
    ['', 'resident'],
    figures.map(({ what, kib }) => [what, formatMB(kib)]),
  );

export const renderBoots = (figures: readonly BootsFigures[]): string =>
  renderTable(
    ['room is counted', 'time', 'processor', 'calls of Placement + etcd'],
    figures.map(({ name, seconds, cpuSeconds, placementCalls, etcdCalls }) => [
      name,
      `${seconds.toFixed(2)} s`,
      `${cpuSeconds.toFixed(2)} s`,
      `${placementCalls} + ${etcdCalls}`,
    ]),
  );
