import { median, percentile } from '../figures.js';
import type { Run } from './run-eschedule.js';
import type { Fleet } from './stage.js';

/** What boots cost; calls and times of calls are those of one instance. */
export interface BootFigures {
  /** Of the whole command, to the instance's address or the agent's word that there is none. */
  readonly commandSeconds: number;
  /** From the record's creation to `active`. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly perSecond: number;
  readonly placementCalls: number;
  readonly placementMs: number;
  readonly etcdCallsOfScheduler: number;
  readonly etcdCallsOfAgents: number;
}

/** As `eschedule` prints it with `-o json`. */
export interface BootedInstance {
  readonly instance: string;
  readonly name: string | null;
  readonly host: string;
  readonly createdAt: string;
  readonly transitions: readonly { readonly at: string; readonly state: string }[];
}

export interface Boots {
  readonly figures: BootFigures;
  readonly instances: readonly BootedInstance[];
}

const bootArgs = ({ imageUrl }: Fleet, name: string): string[] => [
  'boot',
  '--name',
  name,
  '--image',
  imageUrl,
  '--memory',
  '128M',
  '-o',
  'json',
];

/** @throws when the command failed. */
export const expectDone = ({ code, stderr }: Run, what: string): void => {
  if (code !== 0) throw new Error(`could not ${what}: eschedule ended with ${code}: ${stderr.slice(0, 2000)}`);
};

/** One after the other, each with a command of its own. */
export const bootSingly = async (fleet: Fleet, count: number, prefix: string): Promise<Boots> => {
  const runs: Run[] = [];
  const before = await countOfAgents(fleet);
  for (let index = 1; index <= count; index += 1) {
    const run = await fleet.eschedule(...bootArgs(fleet, `${prefix}-${index}`));
    expectDone(run, 'boot one instance');
    runs.push(run);
  }
  const instances = runs.map(({ stdout }): BootedInstance => JSON.parse(stdout));
  return { instances, figures: await figuresOf(fleet, { runs, instances, before }) };
};

/** All by one command. */
export const bootTogether = async (fleet: Fleet, count: number, prefix: string): Promise<Boots> => {
  const before = await countOfAgents(fleet);
  const run = await fleet.eschedule(...bootArgs(fleet, prefix), '--count', String(count));
  expectDone(run, `boot ${count} instances`);
  const instances: BootedInstance[] = JSON.parse(run.stdout);
  return { instances, figures: await figuresOf(fleet, { runs: [run], instances, before }) };
};

const countOfAgents = async ({ agents }: Fleet): Promise<number> => {
  const measured = await agents.measure();
  return measured.reduce((total, { counts }) => total + counts.etcdOfInstances, 0);
};

const activeAt = ({ transitions }: BootedInstance): number =>
  Date.parse(transitions.find(({ state }) => state === 'active')?.at ?? '');

const figuresOf = async (
  fleet: Fleet,
  { runs, instances, before }: { runs: readonly Run[]; instances: readonly BootedInstance[]; before: number },
): Promise<BootFigures> => {
  const seconds = instances.map((instance) => (activeAt(instance) - Date.parse(instance.createdAt)) / 1000);
  const total = (of: (run: Run) => number): number => runs.reduce((all, run) => all + of(run), 0);
  const wall = total((run) => run.seconds);
  return {
    commandSeconds: median(runs.map((run) => run.seconds)),
    p50: percentile(seconds, 50),
    p95: percentile(seconds, 95),
    p99: percentile(seconds, 99),
    perSecond: instances.length / wall,
    placementCalls: total(({ calls }) => calls.placement) / instances.length,
    placementMs: total(({ calls }) => calls.placementMs) / instances.length,
    etcdCallsOfScheduler: total(({ calls }) => calls.etcd) / instances.length,
    etcdCallsOfAgents: ((await countOfAgents(fleet)) - before) / instances.length,
  };
};

/** @returns how many a second. */
export const destroyAll = async (fleet: Fleet, instances: readonly BootedInstance[]): Promise<number> => {
  const run = await fleet.eschedule('destroy', '--wait', ...instances.map(({ instance }) => instance));
  expectDone(run, `destroy ${instances.length} instances`);
  return instances.length / run.seconds;
};
