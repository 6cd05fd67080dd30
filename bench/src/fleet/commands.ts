import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { median } from '../figures.js';
import { bootArgs, expectDone, type BootedInstance } from './measure-boots.js';
import type { Run } from './run-eschedule.js';
import type { Fleet } from './stage.js';

/** What one command took. */
export interface CommandFigures {
  readonly command: string;
  readonly seconds: number;
  /** Of `eschedule` alone. */
  readonly cpuSeconds: number;
  readonly peakKiB: number;
  readonly placementCalls: number;
  readonly etcdCalls: number;
  /** What it said when it failed. */
  readonly failure: string | undefined;
}

export interface CommandsOptions {
  /** Of commands that take little; those that take more than `LONG_SECONDS` run once. */
  readonly runs: number;
  /** Booted and destroyed at once. */
  readonly many: number;
  readonly onProgress: (command: string) => void;
}

const LONG_SECONDS = 10;

/** How a command is measured: what it is run with, the first, second, ... time. */
interface Measured {
  readonly command: string;
  readonly argv: (run: number) => readonly string[];
  /** Exit codes that are no failure; default 0 alone. */
  readonly codes?: readonly number[];
  readonly isOnce?: boolean;
}

/** `audit` ends with 3 when it has found something. */
const AUDIT_CODES = [0, 3];

/** Every command, against the cloud as it is; the cloud is the same afterwards. */
export const measureCommands = async (fleet: Fleet, options: CommandsOptions): Promise<CommandFigures[]> => {
  const { runs, many } = options;
  const booted = await fleet.eschedule(...bootArgs(fleet, 'seen'), '--count', String(runs));
  expectDone(booted, 'boot the instances to look at');
  const [seen]: BootedInstance[] = JSON.parse(booted.stdout);
  if (!seen) throw new Error('nothing was booted');
  await writeConsoleLog(fleet, seen);
  const { instance } = seen;
  const nameOf = (run: number): string => `seen-${run}`;
  const measured: readonly Measured[] = [
    { command: '--version', argv: () => ['--version'] },
    { command: 'list', argv: () => ['list'] },
    { command: 'list -o json', argv: () => ['list', '-o', 'json'] },
    { command: 'show NAME', argv: (run) => ['show', nameOf(run)] },
    { command: 'show UUID', argv: () => ['show', instance] },
    { command: 'logs NAME', argv: () => ['logs', nameOf(1)] },
    { command: 'stop NAME', argv: (run) => ['stop', nameOf(run)] },
    { command: 'start NAME', argv: (run) => ['start', nameOf(run)] },
    { command: 'destroy --wait NAME', argv: (run) => ['destroy', '--wait', nameOf(run)] },
    { command: 'boot --name NAME', argv: (run) => bootArgs(fleet, `one-${run}`) },
    { command: 'destroy NAME', argv: (run) => ['destroy', `one-${run}`] },
    { command: 'hosts', argv: () => ['hosts'] },
    { command: 'image list', argv: () => ['image', 'list'] },
    { command: 'audit', argv: () => ['audit'], codes: AUDIT_CODES },
    {
      command: `boot --count ${many}`,
      argv: () => [...bootArgs(fleet, 'many'), '--count', String(many)],
      isOnce: true,
    },
    {
      command: `destroy --wait, ${many} of them`,
      argv: () => ['destroy', '--wait', ...Array.from({ length: many }, (_, index) => `many-${index + 1}`)],
      isOnce: true,
    },
  ];
  const figures: CommandFigures[] = [];
  for (const each of measured) {
    options.onProgress(`eschedule ${each.command}`);
    figures.push(await measureCommand(fleet, each, runs));
  }
  return figures;
};

const measureCommand = async (
  fleet: Fleet,
  { command, argv, codes = [0], isOnce = false }: Measured,
  times: number,
): Promise<CommandFigures> => {
  const runs: Run[] = [];
  for (let run = 1; run <= (isOnce ? 1 : times); run += 1) {
    runs.push(await fleet.eschedule(...argv(run)));
    if (command !== 'destroy --wait NAME' && (runs.at(-1)?.seconds ?? 0) > LONG_SECONDS) break;
  }
  const failed = runs.find(({ code }) => code === null || !codes.includes(code));
  return {
    command,
    seconds: median(runs.map(({ seconds }) => seconds)),
    cpuSeconds: median(runs.map(({ calls }) => calls.cpuSeconds)),
    peakKiB: Math.max(...runs.map(({ calls }) => calls.peakKiB)),
    placementCalls: median(runs.map(({ calls }) => calls.placement)),
    etcdCalls: median(runs.map(({ calls }) => calls.etcd)),
    failure: failed && (failed.stderr.split('\n')[0] ?? `it ended with ${failed.code}`),
  };
};

/** The test driver's guests say nothing: what `logs` prints is put where a guest's console goes. */
const writeConsoleLog = async ({ agents }: Fleet, { instance, host }: BootedInstance): Promise<void> => {
  const { stateDir } = agents.hosts.find(({ uuid }) => uuid === host) ?? {};
  if (stateDir === undefined) throw new Error(`instance ${instance} is on ${host}, which is no host of ours`);
  await appendFile(join(stateDir, 'consoles', `${instance}.log`), 'a line of a console\n'.repeat(50));
};

/** Boots until there are as many; stops at the first failure. @returns how many there are, and the failure. */
export const fill = async (
  fleet: Fleet,
  { from, to, step, onProgress }: { from: number; to: number; step: number; onProgress: (there: number) => void },
): Promise<{ there: number; failure: string | undefined }> => {
  let there = from;
  for (let batch = 1; there < to; batch += 1) {
    const count = Math.min(step, to - there);
    const run = await fleet.eschedule(...bootArgs(fleet, `fill-${batch}`), '--count', String(count));
    const instances: readonly BootedInstance[] = run.stdout === '' ? [] : JSON.parse(run.stdout);
    there += instances.length;
    onProgress(there);
    try {
      expectDone(run, `boot ${count} instances`);
    } catch (err) {
      return { there, failure: err instanceof Error ? err.message : String(err) };
    }
  }
  return { there, failure: undefined };
};
