/**
 * What the agent has in memory at rest: after its start, after one boot, after 66 boots (60 of them thirty at a time), and with one
 * guest for some minutes.
 *
 *   node bench/dist/memory.js [--runs 3] [--minutes 30] [--watch 60] [--placement service|etcd]
 *
 * At rest means that nothing was asked for in the last SETTLE_SECONDS. From then on the process is looked at once a second for `--watch`
 * seconds, which is one period of the agent, so its regular work is in what is told: the median, and the highest in parentheses.
 * Another version of Node is measured by putting it first on PATH.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { formatMB, median, say } from './figures.js';
import {
  MAPPINGS,
  readHeaps,
  readProcessMemory,
  reportingEnv,
  type Heap,
  type ProcessMemory,
} from './process-memory.js';
import { boot, destroy, hasAddress, isDeleted, waitForRecords } from './requests.js';
import { openStage, type Stage } from './stage.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '30' },
    watch: { type: 'string', default: '60' },
    placement: { type: 'string', default: 'service' },
  },
});
const { placement: counting } = values;
if (counting !== 'service' && counting !== 'etcd')
  throw new Error(`--placement ${counting} is not usable: expected service or etcd`);
const [runs, minutes, watchSeconds] = [Number(values.runs), Number(values.minutes), Number(values.watch)];

/** A period of the agent and more: it gives memory back once a period, and threads of libvirt's calls end a minute after the last one. */
const SETTLE_SECONDS = 70;

interface Rest {
  readonly rss: number;
  readonly highestRss: number;
  readonly pss: number;
  readonly last: ProcessMemory;
  readonly heaps: readonly Heap[];
}

const watchAtRest = async (stage: Stage, reports: string): Promise<Rest> => {
  await sleep(SETTLE_SECONDS * 1000);
  const samples: ProcessMemory[] = [];
  for (let second = 0; second < watchSeconds; second += 1) {
    samples.push(await readProcessMemory(stage.agent.pid));
    await sleep(1000);
  }
  const last = await readProcessMemory(stage.agent.pid);
  const all = [...samples, last];
  return {
    rss: median(all.map(({ rss }) => rss)),
    highestRss: Math.max(...all.map(({ rss }) => rss)),
    pss: median(all.map(({ pss }) => pss)),
    last,
    heaps: await readHeaps(stage.agent.pid, reports),
  };
};

const bootAndDestroy = async (stage: Stage, count: number): Promise<void> => {
  const instances = await Promise.all(Array.from({ length: count }, async () => boot(stage)));
  await waitForRecords(stage, instances, { what: 'addressed', isDone: hasAddress });
  await Promise.all(instances.map(async (instance) => destroy(stage, instance)));
  await waitForRecords(stage, instances, { what: 'deleted', isDone: isDeleted });
};

/** Each is done to the same agent, after those before it. */
const PHASES: Record<string, (stage: Stage) => Promise<void>> = {
  'after its start': async () => undefined,
  'after one boot': async (stage) => bootAndDestroy(stage, 1),
  'after 66 boots': async (stage) => {
    for (const count of [1, 1, 1, 1, 1, 30, 30]) await bootAndDestroy(stage, count);
  },
  [`with one guest for ${minutes} min`]: async (stage) => {
    const guest = await boot(stage);
    await waitForRecords(stage, [guest], { what: 'addressed', isDone: hasAddress });
    await sleep(minutes * 60_000);
  },
};

const formatBytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

const describe = ({ rss, highestRss, pss, last, heaps }: Rest): string => {
  const mappings = MAPPINGS.map((mapping) => `${mapping} ${formatMB(last.byMapping[mapping])}`).join(', ');
  const heapTexts = heaps.map(
    ({ used, committed, external }) => `${formatBytes(used)}/${formatBytes(committed)} + ${formatBytes(external)}`,
  );
  return [
    `resident ${formatMB(rss)} (${formatMB(highestRss)}), proportional ${formatMB(pss)}`,
    `    ${mappings}, ${last.threads} threads`,
    `    heaps used/committed + external, MB: ${heapTexts.join('; ')}`,
  ].join('\n');
};

const results = new Map<string, Rest[]>(Object.keys(PHASES).map((name) => [name, []]));
for (let run = 1; run <= runs; run += 1) {
  say(`run ${run} of ${runs}, Node ${process.version}`);
  await using reports = await makeTempDir('reports');
  await using stage = await openStage({ parallel: 4, counting, agentWrapper: reportingEnv(reports.path) });
  for (const [name, act] of Object.entries(PHASES)) {
    await act(stage);
    const rest = await watchAtRest(stage, reports.path);
    results.get(name)?.push(rest);
    say(`  ${name}: ${describe(rest)}`);
  }
}
say(`median of ${runs} runs, resident and proportional:`);
for (const [name, rests] of results) {
  const rss = formatMB(median(rests.map((rest) => rest.rss)));
  const pss = formatMB(median(rests.map((rest) => rest.pss)));
  say(`  ${name.padEnd(30)} ${rss}, ${pss}`);
}
