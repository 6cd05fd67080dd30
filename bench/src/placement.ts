/**
 * What it costs to place an instance as the cloud grows: by our Placement over HTTP, by the library over the same etcd, and by OpenStack's
 * Placement, in turn on the same machine.
 *
 *   npm run bench:placement -- [--hosts 10000] [--openstack 1000] [--clients 8] [--seconds 5] [--runs 5] [--instances 20000] [--boots 1000]
 *
 * A client asks for ten candidates with room in three resource classes, and allocates from one of them, chosen at random. Both servers
 * answer in random order, and no host fills up. Hosts have twenty traits, which are in every answer. OpenStack's Placement is left out beyond
 * as many hosts as `--openstack` says: an answer takes seconds there, and to tell it of ten thousand hosts takes many minutes. Everything
 * shares the machine: the servers, etcd and the clients.
 */
import { loadavg } from 'node:os';
import { startEplacement } from '@etcd-compute/testing/eplacement';
import { say } from './figures.js';
import { createProgress } from './fleet/progress.js';
import { readNumericOptions } from './numeric-options.js';
import { measureBoots, writePresence } from './placement/boots.js';
import { byHttp, type Contestant } from './placement/contestants.js';
import { makeHosts, postHosts, writeHosts, writeInstances } from './placement/hosts.js';
import { readGroup, readResident } from './placement/memory.js';
import { schedule, sumUp, type RunFigures } from './placement/schedule.js';
import { openContent, openPlacementStage, type PlacementStage } from './placement/stage.js';
import { renderBoots, renderMemory, renderSchedules, type ScheduleFigures } from './placement/tables.js';

const options = readNumericOptions({
  hosts: 10_000,
  openstack: 1000,
  clients: 8,
  seconds: 5,
  runs: 5,
  instances: 20_000,
  boots: 1000,
});
const progress = createProgress();
const hosts = makeHosts(options.hosts);
/** Memory is looked at with so many. */
const MIDDLE = Math.min(1000, options.hosts);
const WARM_UP_SECONDS = 2;

/** 1, 100, 1,000, ... and all. */
const sizesUpTo = (most: number): number[] => {
  const sizes: number[] = [];
  for (let size = 1; size < most; size *= size === 1 ? 100 : 10) sizes.push(size);
  return [...sizes, most];
};

/** All in turn, so that what else the machine does falls on all of them alike. */
const measureSize = async (size: number, contestants: readonly Contestant[]): Promise<ScheduleFigures[]> => {
  const runs = new Map<string, RunFigures[]>(contestants.map(({ name }) => [name, []]));
  // What is compiled and loaded at first is not measured.
  for (const contestant of contestants) await schedule(contestant, { ...options, seconds: WARM_UP_SECONDS });
  for (let run = 1; run <= options.runs; run += 1)
    for (const contestant of contestants) {
      progress(`${size} hosts, run ${run} of ${options.runs}: ${contestant.name}`);
      runs.get(contestant.name)?.push(await schedule(contestant, options));
    }
  return contestants.map(({ name }) => ({ hosts: size, name, ...sumUp(runs.get(name) ?? []) }));
};

/** Of servers that have nothing to do with the others: only what is there counts, not what was placed before. */
const measureMemory = async ({ etcd, openstack }: PlacementStage): Promise<void> => {
  const prefix = '/memory';
  {
    await using content = await openContent(etcd, prefix);
    await writeHosts(content, makeHosts(MIDDLE));
    await writeInstances(content, options.instances);
  }
  await using server = await startEplacement({ etcd, prefix });
  const started = await readResident(server.pid);
  const contestant = byHttp('ours', server, etcd);
  await schedule(contestant, options);
  contestant.close();
  const used = await readResident(server.pid);
  const there = `with ${MIDDLE} hosts`;
  say(
    `\n${renderMemory([
      { what: `ours ${there} and ${options.instances} allocations, at its start`, kib: started.now },
      { what: `ours, after ${options.seconds} s of load`, kib: used.now },
      { what: 'ours, at its peak', kib: used.peak },
      { what: `OpenStack's, two workers, ${there} and what was placed above`, kib: await readGroup(openstack.pid) },
    ])}`,
  );
};

await using stage = await openPlacementStage();
const { ours, library, openstack } = stage.contestants;
const figures: ScheduleFigures[] = [];
let there = 0;
for (const size of sizesUpTo(options.hosts)) {
  const fresh = hosts.slice(there, size);
  const hasOpenstack = size <= options.openstack;
  progress(`making ${fresh.length} more hosts`);
  await writeHosts(stage.content, fresh);
  if (hasOpenstack) await postHosts(stage.openstack.endpoint, fresh);
  there = size;
  figures.push(...(await measureSize(size, [ours, library, ...(hasOpenstack ? [openstack] : [])])));
  say(
    `\n${options.clients} clients, load of the machine ${loadavg()
      .map((load) => load.toFixed(1))
      .join(', ')}:`,
  );
  say(renderSchedules(figures));
  if (size !== MIDDLE) continue;
  await measureMemory(stage);
  if (!hasOpenstack) continue;
  await writePresence(stage.store, hosts.slice(0, size));
  progress(`eschedule boots ${options.boots} instances`);
  const countings = [
    { name: 'by OpenStack’s Placement', placement: { endpoint: stage.openstack.endpoint } },
    { name: 'by ours', placement: { endpoint: stage.eplacement.endpoint } },
    { name: 'in etcd, without a server', placement: 'etcd' },
  ];
  const boots = await measureBoots(countings, { dir: stage.dir, etcd: stage.etcd, count: options.boots, runs: 3 });
  say(`\n\`eschedule boot --count ${options.boots} --no-wait\` at ${size} hosts:\n${renderBoots(boots)}`);
}
