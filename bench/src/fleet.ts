/**
 * What a cloud costs as it grows: boots at 1, 10, 100, ... hosts, what an idle fleet asks of etcd and Placement, and every command
 * among few and many instances.
 *
 *   npm run bench:fleet -- [--hosts 1000] [--instances 50000] [--booted 5000] [--processes 4] [--singly 20] [--together 90]
 *                          [--many 1000] [--runs 5] [--period 60]
 *
 * etcd, Placement, the agents and `eschedule` are real; hypervisors are libvirt's test driver, one for each agent, so no guest takes
 * processors away from what is measured. As many instances as `--booted` says are booted; the others are written into etcd, on as many
 * other hosts, which have no agents: to a command they look the same, and agents do not see them. The agents share a few processes, and
 * the machine with everything else: times are of a crowd on one machine, calls and bytes are what they are anywhere.
 */
import { parseArgs } from 'node:util';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { openStore } from '@etcd-compute/common/etcd/store';
import { createResources } from '@etcd-compute/testing/resources';
import { say } from './figures.js';
import { fill, measureCommands } from './fleet/commands.js';
import { measureKeys } from './fleet/etcd-size.js';
import { bootArgs, bootSingly, bootTogether, destroyAll, expectDone } from './fleet/measure-boots.js';
import { createProgress } from './fleet/progress.js';
import { openFleet, type Fleet } from './fleet/stage.js';
import { renderCommands, renderIdle, renderSizes, type SizeFigures } from './fleet/tables.js';
import { watchTraffic } from './fleet/traffic.js';
import { writeHosts } from './fleet/written-instances.js';

const OPTIONS = {
  hosts: 1000,
  instances: 50_000,
  booted: 5000,
  processes: 4,
  singly: 20,
  together: 90,
  many: 1000,
  runs: 5,
  period: 60,
};
type Options = typeof OPTIONS;

/** The test driver's storage pools have 100 GiB each. */
const MAX_PER_HOST = 95;

const checkRoom = (what: string, instances: number, hosts: number): void => {
  if (instances > MAX_PER_HOST * hosts)
    throw new Error(`${what}: ${instances} instances have no room on ${hosts} hosts, which take ${MAX_PER_HOST} each`);
};

const readOptions = (): Options => {
  const names = Object.keys(OPTIONS);
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
  });
  const given = Object.entries(values).map(([name, text]) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1)
      throw new Error(`--${name} is ${String(text)}; expected a whole number of at least 1`);
    return [name, value];
  });
  const read = { ...OPTIONS, ...Object.fromEntries(given) };
  checkRoom('--together', read.together, 1);
  const booted = Math.min(read.booted, read.instances);
  checkRoom('--booted and --many', booted + read.many, read.hosts);
  return { ...read, booted };
};

const options = readOptions();
const progress = createProgress();
const stop = new AbortController();
const { signal } = stop;
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => {
    if (signal.aborted) process.exit(1);
    progress(`${name}: cleaning up; once more to leave at once`);
    stop.abort(new Error(`ended by ${name}`));
  });

/** 1, 10, 100, ... and all. */
const sizesUpTo = (hosts: number): number[] => {
  const sizes: number[] = [];
  for (let size = 1; size < hosts; size *= 10) sizes.push(size);
  return [...sizes, hosts];
};

const measureSize = async (fleet: Fleet, hosts: number, emptyKiB: number): Promise<SizeFigures> => {
  const [there, startedAt] = [fleet.agents.hosts.length, performance.now()];
  await fleet.agents.grow(hosts, (ready) => progress(`${ready} of ${hosts} agents are ready`));
  const startsPerSecond = ((hosts - there) / (performance.now() - startedAt)) * 1000;
  progress(`${hosts} hosts: the image is fetched ahead`);
  expectDone(await fleet.eschedule('image', 'prefetch', fleet.imageUrl), 'fetch the image ahead');
  progress(`${hosts} hosts: watching an idle fleet for ${options.period} s`);
  const idle = await watchTraffic(fleet, options.period, signal);
  progress(`${hosts} hosts: ${options.singly} boots, one after the other`);
  const singly = await bootSingly(fleet, { count: options.singly, prefix: 'singly', idle });
  await destroyAll(fleet, singly.instances);
  progress(`${hosts} hosts: ${options.together} boots together`);
  const together = await bootTogether(fleet, { count: options.together, prefix: 'together', idle });
  progress(`${hosts} hosts: all are destroyed`);
  const destroysPerSecond = await destroyAll(fleet, together.instances);
  return {
    hosts,
    singly: singly.figures,
    together: together.figures,
    destroysPerSecond,
    idle,
    startsPerSecond,
    kibPerAgent: ((await residentKiB(fleet)) - emptyKiB) / hosts,
  };
};

const residentKiB = async ({ agents }: Fleet): Promise<number> => {
  const measured = await agents.measure({ collectsGarbage: true });
  return measured.reduce((total, each) => total + each.residentKiB, 0);
};

const printKeys = async (fleet: Fleet, instances: number): Promise<void> => {
  const keys = await measureKeys(fleet.etcd);
  say(`\nbytes in etcd, with ${instances} instances there (keys and values):`);
  let total = 0;
  for (const [pattern, { keys: count, bytes }] of [...keys].toSorted(([a], [b]) => a.localeCompare(b))) {
    say(`  ${pattern.padEnd(28)} ${String(count).padStart(7)} keys, ${Math.round(bytes / count)} bytes each`);
    if (count >= instances) total += bytes;
  }
  say(`  for each instance: ${Math.round(total / instances)} bytes`);
};

const measureMany = async (fleet: Fleet): Promise<void> => {
  const { hosts, instances, booted, many, runs, period } = options;
  const few = 10;
  expectDone(await fleet.eschedule(...bootArgs(fleet, 'few'), '--count', String(few - runs)), 'boot a few instances');
  const commandOptions = { runs, many, onProgress: progress };
  const before = { instances: few, figures: await measureCommands(fleet, commandOptions) };
  say(`\ncommands, with ${hosts} hosts (median of ${runs}):\n${renderCommands(before)}`);
  const startedAt = performance.now();
  const { there: bootedThere, failure } = await fill(fleet, {
    from: few - runs,
    to: booted - runs,
    step: many,
    onProgress: (count) => progress(`${count} of ${booted} instances are booted`),
  });
  const seconds = (performance.now() - startedAt) / 1000;
  say(`\n${bootedThere} instances are there, each booted by an agent, in ${seconds.toFixed(0)} s (${many} at once)`);
  if (failure !== undefined) say(`no more, because: ${failure}`);
  if (instances > booted) {
    progress(`writing ${instances - booted} more`);
    await using store = await openStore(etcdSection.parse({ host: fleet.etcd.host, port: fleet.etcd.port }));
    await (await writeHosts(store, hosts)).add(instances - booted);
    say(`${instances - booted} more are only written, on ${hosts} other hosts`);
  }
  const there = bootedThere + instances - booted;
  progress(`watching an idle fleet with ${there} instances for ${period} s`);
  const idle = await watchTraffic(fleet, period, signal);
  say(`\nan idle fleet of ${hosts} hosts with ${there} instances:\n${renderIdle(idle, hosts)}`);
  await printKeys(fleet, there);
  const after = { instances: there + runs, figures: await measureCommands(fleet, commandOptions) };
  say(
    `\ncommands, with ${hosts} hosts (median of ${runs}; ratios of time and of eschedule's own processor time):\n${renderCommands(before, after)}`,
  );
};

const resources = createResources();
try {
  progress('starting etcd, Placement and the processes for agents');
  const fleet = await openFleet(resources, { ...options, signal });
  const emptyKiB = await residentKiB(fleet);
  const sizes: SizeFigures[] = [];
  for (const hosts of sizesUpTo(options.hosts)) {
    sizes.push(await measureSize(fleet, hosts, emptyKiB));
    say(`\n${renderSizes(sizes, options)}`);
  }
  const [last] = sizes.slice(-1);
  if (last) say(`\nan idle fleet of ${last.hosts} hosts:\n${renderIdle(last.idle, last.hosts)}`);
  await measureMany(fleet);
} catch (err) {
  if (!signal.aborted) throw err;
  process.exitCode = 130;
} finally {
  progress('cleaning up');
  await resources[Symbol.asyncDispose]();
}
