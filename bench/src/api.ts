/**
 * What eapi does: servers created by one client and by several, until they are ACTIVE on libvirt's test driver; lists of many servers; tokens
 * looked at; its memory.
 *
 *   npm run bench:api -- [--count 100] [--clients 8] [--hosts 3] [--listed 10000] [--seconds 5] [--runs 3]
 *
 * Everything shares the machine: etcd, eapi, the agents and the client. The listed servers are copies in etcd of one that was created.
 */
import { loadavg } from 'node:os';
import { openApiStage, type ApiStage } from './api/stage.js';
import { copyServer, createServers, deleteServers, listByPages, type CreateFigures } from './api/servers.js';
import { formatMB, median, percentile, say } from './figures.js';
import { createProgress } from './fleet/progress.js';
import { readNumericOptions } from './numeric-options.js';
import { readResident } from './placement/memory.js';
import { renderTable } from './render-table.js';

const options = readNumericOptions({ count: 100, clients: 8, hosts: 3, listed: 10_000, seconds: 5, runs: 3 });
const progress = createProgress();
const memory: [string, string][] = [];
const noteMemory = async ({ eapi }: ApiStage, what: string): Promise<void> => {
  memory.push([what, formatMB((await readResident(eapi.pid)).now)]);
};

const rowOf = (clients: number, runs: readonly CreateFigures[]): string[] => {
  const times = runs.flatMap(({ each }) => each);
  const perSecond = (times: readonly number[]): string => (options.count / median(times)).toFixed(1);
  return [
    String(clients),
    `${perSecond(runs.map(({ answered }) => answered))}/s`,
    `${perSecond(runs.map(({ active }) => active))}/s`,
    `${median(times).toFixed(2)} s`,
    `${percentile(times, 99).toFixed(2)} s`,
  ];
};

const measureCreates = async (stage: ApiStage): Promise<void> => {
  const rows: string[][] = [];
  for (const clients of [1, options.clients, options.count]) {
    const runs: CreateFigures[] = [];
    for (let run = 1; run <= options.runs; run += 1) {
      progress(`${options.count} servers by ${clients} at once, run ${run} of ${options.runs}`);
      runs.push(await createServers(stage, { count: options.count, clients }));
      await deleteServers(stage);
    }
    rows.push(rowOf(clients, runs));
  }
  say(`\n${options.count} servers, ${options.hosts} hosts, ${options.runs} runs:`);
  say(renderTable(['requests at once', 'answered', 'ACTIVE', 'to ACTIVE, median', 'p99'], rows));
};

const measureTokens = async ({ client }: ApiStage): Promise<void> => {
  const until = performance.now() + options.seconds * 1000;
  let count = 0;
  const validate = async (): Promise<void> => {
    while (performance.now() < until) {
      await client.send('GET', '/identity/v3/auth/tokens');
      count += 1;
    }
  };
  progress('tokens');
  await Promise.all(Array.from({ length: options.clients }, async () => validate()));
  say(`\ntokens looked at by ${options.clients} clients: ${Math.round(count / options.seconds)}/s`);
};

const measureLists = async (stage: ApiStage): Promise<void> => {
  await createServers(stage, { count: 1, clients: 1 });
  const { text } = await stage.client.send('GET', '/compute/v2.1/servers');
  const id = String(JSON.parse(text).servers[0].id);
  for (const agent of stage.agents) await agent.stop();
  progress(`writing ${options.listed} servers`);
  await copyServer(stage, id, options.listed - 1);
  const rows: string[][] = [];
  for (const [what, query] of [
    ['all', ''],
    ['by status, all', '&status=ACTIVE'],
    ['by name, none', '&name=^nobody$'],
  ] as const) {
    const runs: number[][] = [];
    for (let run = 1; run <= options.runs; run += 1) runs.push(await listByPages(stage, query));
    const pages = runs.flat();
    const sums = runs.map((run) => run.reduce((sum, time) => sum + time, 0));
    rows.push([
      what,
      `${median(pages).toFixed(0)} ms`,
      `${Math.max(...pages).toFixed(0)} ms`,
      `${median(sums).toFixed(0)} ms`,
    ]);
  }
  say(`\nservers/detail of ${options.listed}, by pages of 1,000:`);
  say(renderTable(['filter', 'a page, median', 'highest', 'the whole list'], rows));
};

await using stage = await openApiStage(options.hosts);
await noteMemory(stage, 'at its start');
await measureCreates(stage);
await noteMemory(stage, 'after the creates');
await measureTokens(stage);
await noteMemory(stage, 'after the tokens');
await measureLists(stage);
await noteMemory(stage, `with ${options.listed} servers, after the lists`);
say(`\neapi, resident:\n${renderTable(['', 'memory'], memory)}`);
say(
  `\nload of the machine ${loadavg()
    .map((load) => load.toFixed(1))
    .join(', ')}`,
);
