import { readFile } from 'node:fs/promises';
import { REQUEST_KINDS } from './api/request-kinds.js';
import type { Diary } from './diary.js';
import { FAULT_KINDS } from './faults/kinds.js';
import type { Violation } from './invariants/rule.js';
import type { Ledger } from './ledger.js';
import { OPERATION_KINDS } from './operation-kinds.js';
import type { ChaosOptions, ChaosResult, Told } from './result.js';
import type { Stage } from './stage.js';
import type { World } from './world.js';

export interface Known {
  readonly stage: Stage;
  readonly ledger: Ledger;
  readonly diary: Diary;
  readonly world: World | undefined;
}

const MOST_LOG_LINES = 80;
/** What happened shortly before and after a command may be the reason. */
const AROUND_MS = 5_000;

export const tellViolation = async (violation: Violation, known: Known): Promise<Told> => {
  const { instance } = violation;
  if (instance === undefined) return { violation, lines: [] };
  const { world, stage, ledger, diary } = known;
  const record = world?.records.find((candidate) => candidate.instance === instance);
  const story = [...ledger.values()].find(
    ({ name, instance: told }) => told === instance || (record?.name ?? '') === name,
  );
  const transitions = (record?.transitions ?? []).map(({ at, state, reason }) => `${at} ${state}: ${reason}`);
  const times = [
    ...(record?.transitions ?? []).map(({ at }) => new Date(at).getTime()),
    ...(story?.attempts ?? []).map(({ startedAt }) => startedAt.getTime()),
  ];
  const from = new Date(Math.min(...times) - AROUND_MS);
  const to = new Date(Math.max(...times) + AROUND_MS);
  const logs: string[] = [];
  for (const { index, service } of stage.eapis)
    logs.push(...(await logLines(service.logPath, `eapi-${index}`, instance)));
  for (const { index, agent } of stage.hosts) logs.push(...(await logLines(agent.logPath, `host-${index}`, instance)));
  const section = (title: string, lines: readonly string[]): string[] => [
    `${title}:`,
    ...lines.map((line) => `  ${line}`),
  ];
  return {
    violation,
    lines: [
      ...section('record', [JSON.stringify(record)]),
      ...section('server', [JSON.stringify(world?.api.servers.get(instance))]),
      ...section('transitions', transitions),
      ...section(
        'commands',
        (story?.attempts ?? []).map(
          ({ operation, startedAt, code, signal, stderr }) =>
            `${startedAt.toISOString()} ${operation.kind}: ${signal ?? `exit ${code}`} ${stderr.trim()}`,
        ),
      ),
      ...section('what the agents say', logs.toSorted().slice(-MOST_LOG_LINES)),
      ...section('what happened around it', times.length === 0 ? [] : diary.between(from, to)),
    ],
  };
};

const logLines = async (path: string, name: string, instance: string): Promise<string[]> => {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line.includes(instance))
    .map((line) => `${/"time":"([^"]*)"/.exec(line)?.[1] ?? ''} ${name} ${line}`);
};

const row = (name: string, text: string): string => `  ${name.padEnd(36)}${text}`;

/** @param share 0.5 is the median. */
const secondsOf = (allMs: readonly number[], share: number): string => {
  const sorted = allMs.toSorted((a, b) => a - b);
  return ((sorted[Math.ceil(sorted.length * share) - 1] ?? 0) / 1000).toFixed(1);
};

const renderRequests = ({ requests }: ChaosResult['tally']): string[] => {
  if (requests.size === 0) return [];
  const show = (answers: ReadonlyMap<string, number>): string =>
    [...answers]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([answer, count]) => `${answer}: ${count}`)
      .join(', ');
  const all = REQUEST_KINDS.flatMap((kind) => {
    const answers = requests.get(kind);
    return answers ? [row(kind, show(answers))] : [];
  });
  return ['requests to eapi, by the status of the answer', ...all];
};

/** The table at the end. */
export const renderResult = (options: ChaosOptions, result: ChaosResult): string => {
  const { tally, violations, told } = result;
  const lines = [
    `seed ${options.seed}, ${result.roundsPlayed} rounds, ${options.agents} agents${options.hasGuests ? ', real guests' : ''}${options.hasRoles ? ', users of etcd' : ''}${options.placement === 'etcd' ? ', room counted in etcd' : ''}${options.eapis > 0 ? `, ${options.eapis} eapi` : ''}, ${Math.round(result.seconds)} s`,
    'operations',
    ...OPERATION_KINDS.flatMap((kind) => {
      const count = tally.operations.get(kind);
      return count ? [row(kind, `${count.done} done, ${count.failed} failed, ${count.killed} killed`)] : [];
    }),
    ...renderRequests(tally),
    'why commands failed',
    ...[...tally.errors].toSorted(([a], [b]) => a.localeCompare(b)).map(([code, count]) => row(code, String(count))),
    'faults',
    ...FAULT_KINDS.flatMap((kind) => {
      const count = tally.faults.get(kind);
      return count ? [row(kind, `${count.done}${count.missed > 0 ? ` (${count.missed} hit nobody)` : ''}`)] : [];
    }),
    'instances at the last check',
    ...[...tally.states].toSorted(([a], [b]) => a.localeCompare(b)).map(([state, count]) => row(state, String(count))),
    'checks',
    row('made', String(tally.checks)),
    row(
      'settled within',
      `${secondsOf(tally.settledMs, 0.5)} s (median), ${secondsOf(tally.settledMs, 1)} s (longest)`,
    ),
    row('leases that hold nothing', String(tally.emptyLeases)),
    ...(tally.revisionsCounted > 0 ? [row('revisions with room counted', String(tally.revisionsCounted))] : []),
    ...(tally.revisionsOfServers > 0 ? [row('revisions with servers counted', String(tally.revisionsOfServers))] : []),
    row('violations', String(violations.length)),
    ...violations.map(({ rule, instance, what }) => `  ${rule}: ${instance ?? ''} ${what}`),
    ...told.flatMap(({ violation, lines }) => ['', `${violation.rule}: ${violation.instance ?? ''}`, ...lines]),
    ...(violations.length > 0
      ? ['', `all logs are kept in ${result.dir}; the same again: --seed ${options.seed}`]
      : []),
  ];
  return `${lines.join('\n')}\n`;
};
