import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallCounts } from '@etcd-compute/testing/count-calls';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { StopWaiting, waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostOf, startWorld, type World } from '../fixtures/agent-world.js';
import { hasPlacementService } from '../fixtures/counting.js';
import { start } from '../fixtures/eschedule-fixture.js';
import { putInstances } from '../fixtures/put-instances.js';

/**
 * What a command asks of etcd and Placement, message by message, of its own process and of the agents'. A number that grows is to be
 * argued for; one that shrinks is to be put here.
 */
const HOOK = import.meta.resolve('@etcd-compute/testing/report-calls');
let world: World;
let agents: Ecompute[];

type Calls = Pick<CallCounts, 'etcd' | 'placement'>;

const countedBy = (path: string): Record<string, string> => ({ CALLS_FILE: path, NODE_OPTIONS: `--import=${HOOK}` });

const readCalls = async (path: string): Promise<Calls> => {
  const { etcd, placement } = Object(JSON.parse(await readFile(path, 'utf8')));
  return { etcd, placement };
};

const startAgent = async (index: number): Promise<Ecompute> => {
  const env = Object.entries(countedBy(callsOf(index))).map(([name, value]) => `${name}=${value}`);
  // What it does by the clock is not counted.
  return world.startAgent({ wrapper: ['env', ...env], config: { period: 3600, presence_ttl: 600 } });
};
const callsOf = (index: number): string => join(world.dir.path, `agent-${index}.json`);

const askAgents = async (): Promise<Calls> => {
  const all = await Promise.all(
    agents.map(async (agent, index) => {
      await rm(callsOf(index), { force: true });
      process.kill(agent.pid, 'SIGUSR2');
      return waitFor(async () => readCalls(callsOf(index)).catch(() => undefined), { what: 'an agent to report' });
    }),
  );
  return {
    etcd: all.reduce((sum, { etcd }) => sum + etcd, 0),
    placement: all.reduce((sum, { placement }) => sum + placement, 0),
  };
};

/** Some of what agents do goes by the clock, such as renewing a lease. */
const BY_THE_CLOCK = 3;

/** Whether all that was asked for is done: every request has an instance that is up or stopped, and those to be destroyed have none. */
const isSettled = async (): Promise<boolean> => {
  const { store, keys } = world;
  const all = await Promise.all(
    agents.map(hostOf).map(async (host) => {
      const { entries: requests } = await store.listKeys(keys.requestsOf(host));
      const { entries: states } = await store.list(
        keys.reportsOf(host),
        ({ value }) => Object(JSON.parse(value)).state,
      );
      const isDone = states.every((state) => ['active', 'stopped', 'deleted'].includes(state));
      return isDone && states.filter((state) => state !== 'deleted').length === requests.length;
    }),
  );
  return all.every(Boolean);
};

/** When the agents do nothing more about instances. */
const askQuietAgents = async (): Promise<Calls> => {
  await waitFor(isSettled, { what: 'the agents to have done all' });
  const seen = [await askAgents()];
  return waitFor(
    async () => {
      const now = await askAgents();
      const before = seen.at(-1);
      seen.push(now);
      const isQuiet = before?.placement === now.placement && now.etcd - before.etcd <= BY_THE_CLOCK;
      return isQuiet ? now : undefined;
    },
    { what: 'the agents to be quiet', intervalMs: 1500, onTimeout: () => JSON.stringify(seen) },
  );
};

interface Cost {
  readonly eschedule: Calls;
  readonly agents: Calls;
}

const cost = async (...argv: string[]): Promise<Cost> => {
  const before = await askQuietAgents();
  const file = join(world.dir.path, 'eschedule.json');
  const { code, stderr } = await start(argv, world.dir.path, countedBy(file)).finished;
  if (code !== 0) throw new StopWaiting(`eschedule ${argv.join(' ')} ended with ${code}: ${stderr}`);
  const after = await askQuietAgents();
  return {
    eschedule: await readCalls(file),
    agents: { etcd: after.etcd - before.etcd, placement: after.placement - before.placement },
  };
};

beforeAll(async () => {
  world = await startWorld();
  const { etcd, placement, imageUrl } = world;
  await writeFile(
    join(world.dir.path, 'schedule.yaml'),
    JSON.stringify({
      etcd: { host: etcd.host, port: etcd.port },
      placement: placement.section,
      image: imageUrl,
    }),
  );
  agents = await Promise.all([startAgent(0), startAgent(1)]);
  // The image is in both caches.
  await cost('image', 'prefetch', imageUrl);
  // The first list of all notes that every instance stands below its project.
  await cost('list');
});
afterAll(async () => {
  await Promise.all(agents.map(async (agent) => agent[Symbol.asyncDispose]()));
  await world[Symbol.asyncDispose]();
});

/** At most; `agents` is of all together. What waits looks as often as the record changes meanwhile. */
interface Budget {
  readonly argv: readonly string[];
  readonly eschedule: Calls;
  readonly agents: Calls;
  /** What `eschedule` may ask of an etcd that counts room. Left out: as much as of etcd and of Placement. */
  readonly counting?: number;
}

const WEB = ['--name', 'web', '--memory', '64M'];
const MANY = ['--name', 'many', '--memory', '32M', '--count', '100'];
const ALL_OF_MANY = Array.from({ length: 100 }, (_, index) => `many-${index + 1}`);

const BUDGETS: readonly Budget[] = [
  {
    argv: ['boot', ...WEB],
    eschedule: { etcd: 30, placement: 2 },
    agents: { etcd: 14, placement: 0 },
  },
  // Its name, its location, its request with its record, and the presence of its host.
  { argv: ['show', 'web'], eschedule: { etcd: 4, placement: 0 }, agents: { etcd: 0, placement: 0 } },
  // The agents, how many stand in the project and whether all do, its list in two pages, the locations and the records: in the second round there are a
  // hundred that were deleted within the hour.
  { argv: ['list'], eschedule: { etcd: 7, placement: 0 }, agents: { etcd: 0, placement: 0 } },
  { argv: ['stop', 'web', '--hard'], eschedule: { etcd: 25, placement: 0 }, agents: { etcd: 8, placement: 0 } },
  { argv: ['start', 'web'], eschedule: { etcd: 25, placement: 0 }, agents: { etcd: 10, placement: 0 } },
  { argv: ['destroy', 'web', '--wait'], eschedule: { etcd: 35, placement: 1 }, agents: { etcd: 10, placement: 3 } },
  // In etcd: the hosts of a window and what is used of them, whether hosts have parts or share, the types of consumers.
  {
    argv: ['boot', ...WEB, '--no-wait'],
    eschedule: { etcd: 9, placement: 2 },
    agents: { etcd: 14, placement: 0 },
    counting: 13,
  },
  { argv: ['destroy', 'web'], eschedule: { etcd: 8, placement: 1 }, agents: { etcd: 10, placement: 3 } },
  // For the hundred together, not for each; in etcd, for sixteen at a time.
  {
    argv: ['boot', ...MANY, '--no-wait'],
    eschedule: { etcd: 14, placement: 5 },
    agents: { etcd: 1400, placement: 0 },
    counting: 50,
  },
  // Of more than 128, locations and records take two calls each. The agents may still note addresses of the hundred.
  { argv: ['list', '-o', 'json'], eschedule: { etcd: 9, placement: 0 }, agents: { etcd: 200, placement: 0 } },
  {
    argv: ['destroy', ...ALL_OF_MANY],
    eschedule: { etcd: 300, placement: 100 },
    agents: { etcd: 1000, placement: 300 },
  },
];

/** What may be asked by whoever counts in etcd: nothing of a service. */
const inEtcd = ({ etcd, placement }: Calls, counting = etcd + placement): Calls => ({ etcd: counting, placement: 0 });

const isWithin = ({ eschedule, agents: ofAgents, counting }: Budget, found: Cost): boolean => {
  const most = hasPlacementService ? eschedule : inEtcd(eschedule, counting);
  const mostOfAgents = hasPlacementService ? ofAgents : inEtcd(ofAgents);
  return (
    found.eschedule.etcd <= most.etcd &&
    found.eschedule.placement <= most.placement &&
    found.agents.etcd <= mostOfAgents.etcd + BY_THE_CLOCK &&
    found.agents.placement <= mostOfAgents.placement
  );
};

test.each([
  ['an empty cloud', 0],
  ['a cloud of three thousand others', 3000],
])('in %s, no command asks more of etcd and Placement than its budget', async (_what, others) => {
  await putInstances(world, others, 'others');
  const over: unknown[] = [];
  for (const budget of BUDGETS) {
    const found = await cost(...budget.argv);
    if (!isWithin(budget, found)) over.push({ command: budget.argv.slice(0, 3).join(' '), budget, found });
  }
  expect(over).toEqual([]);
});
