import { median, percentile } from '../figures.js';
import type { Run } from './run-eschedule.js';
import type { Fleet } from './stage.js';
import { readTraffic, subtract, type CpuSeconds, type Traffic } from './traffic.js';

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
  /** Beyond what the idle fleet takes. Hardly changes with what else the machine does. */
  readonly cpuSeconds: CpuSeconds & { readonly eschedule: number };
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

/** Of an instance as all are here, of this name. */
export const bootArgs = ({ imageUrl }: Fleet, name: string): string[] => [
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

export interface BootOptions {
  readonly count: number;
  /** Of the instances' names. */
  readonly prefix: string;
  /** What goes on without any boot. */
  readonly idle: Traffic;
}

/** One after the other, each with a command of its own. */
export const bootSingly = async (fleet: Fleet, { count, prefix, idle }: BootOptions): Promise<Boots> => {
  const runs: Run[] = [];
  const before = await look(fleet);
  for (let index = 1; index <= count; index += 1) {
    const run = await fleet.eschedule(...bootArgs(fleet, `${prefix}-${index}`));
    expectDone(run, 'boot one instance');
    runs.push(run);
  }
  const instances = runs.map(({ stdout }): BootedInstance => JSON.parse(stdout));
  const figures = figuresOf({ runs, instances, before, after: await look(fleet), idle });
  return { instances, figures };
};

/** All by one command. */
export const bootTogether = async (fleet: Fleet, { count, prefix, idle }: BootOptions): Promise<Boots> => {
  const before = await look(fleet);
  const run = await fleet.eschedule(...bootArgs(fleet, prefix), '--count', String(count));
  expectDone(run, `boot ${count} instances`);
  const instances: BootedInstance[] = JSON.parse(run.stdout);
  const figures = figuresOf({ runs: [run], instances, before, after: await look(fleet), idle });
  return { instances, figures };
};

interface Look {
  readonly traffic: Traffic;
  readonly etcdCallsOfAgents: number;
}

const look = async (fleet: Fleet): Promise<Look> => {
  const measured = await fleet.agents.measure({ collectsGarbage: false });
  const etcdCallsOfAgents = measured.reduce((total, { counts }) => total + counts.etcdOfInstances, 0);
  return { traffic: await readTraffic(fleet), etcdCallsOfAgents };
};

const activeAt = ({ transitions }: BootedInstance): number =>
  Date.parse(transitions.find(({ state }) => state === 'active')?.at ?? '');

interface Booting {
  readonly runs: readonly Run[];
  readonly instances: readonly BootedInstance[];
  readonly before: Look;
  readonly after: Look;
  readonly idle: Traffic;
}

const figuresOf = ({ runs, instances, before, after, idle }: Booting): BootFigures => {
  const seconds = instances.map((instance) => (activeAt(instance) - Date.parse(instance.createdAt)) / 1000);
  const each = (of: (run: Run) => number): number => runs.reduce((total, run) => total + of(run), 0) / instances.length;
  const traffic = subtract(after.traffic, before.traffic);
  const beyondIdle = (part: keyof CpuSeconds): number =>
    (traffic.cpuSeconds[part] - (idle.cpuSeconds[part] / idle.seconds) * traffic.seconds) / instances.length;
  return {
    commandSeconds: median(runs.map((run) => run.seconds)),
    p50: percentile(seconds, 50),
    p95: percentile(seconds, 95),
    p99: percentile(seconds, 99),
    perSecond: 1 / each((run) => run.seconds),
    placementCalls: each(({ calls }) => calls.placement),
    placementMs: each(({ calls }) => calls.placementMs),
    etcdCallsOfScheduler: each(({ calls }) => calls.etcd),
    etcdCallsOfAgents: (after.etcdCallsOfAgents - before.etcdCallsOfAgents) / instances.length,
    cpuSeconds: {
      eschedule: each(({ calls }) => calls.cpuSeconds),
      placement: beyondIdle('placement'),
      etcd: beyondIdle('etcd'),
      agents: beyondIdle('agents'),
    },
  };
};

/** @returns how many a second. */
export const destroyAll = async (fleet: Fleet, instances: readonly BootedInstance[]): Promise<number> => {
  const run = await fleet.eschedule('destroy', '--wait', ...instances.map(({ instance }) => instance));
  expectDone(run, `destroy ${instances.length} instances`);
  return instances.length / run.seconds;
};
