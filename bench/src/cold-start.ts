/**
 * How long `eschedule boot --no-wait` takes from a cold start to its end, and where the time goes:
 *
 *   node bench/dist/cold-start.js [--runs 20] [--original FOLDER]
 *
 * after a build with its bundle, against an etcd of its own with one host, and with a Placement beside it. Runs of Node itself (`node -e 0`) and of
 * the unbundled program alternate with it, so that a busy machine slows down all alike; and, with a clone of
 * https://github.com/cdent/etcd-compute in FOLDER and Debian's python3-etcd3, runs of the original's `eschedule`.
 */
import { spawn } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openPlacementCapacity } from '@etcd-compute/common/capacity/placement-capacity';
import { etcdSection, placementSection } from '@etcd-compute/common/config/sections';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openStore } from '@etcd-compute/common/etcd/store';
import { newProviderUuid } from '@etcd-compute/common/ids';
import { createEtcdCapacity } from '@etcd-compute/placement/capacity/etcd-capacity';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { startPlacement, type PlacementServer } from '@etcd-compute/testing/placement-server';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { presenceOf } from './fleet/written-instances.js';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '20' }, original: { type: 'string' } },
});
const RUNS = Number(options.runs);

// By path: the benchmark measures the program as it is started, and needs nothing of the package.
const SCHEDULER = new URL('../../packages/scheduler/', import.meta.url);
const LAUNCHER = fileURLToPath(new URL('bin/eschedule.cjs', SCHEDULER));
const UNBUNDLED = fileURLToPath(new URL('dist/bin/eschedule.js', SCHEDULER));

/** What the program has marked by the time it ends, written to file descriptor 3. */
const HOOK = `process.on('exit', () => {
  const marks = performance.getEntriesByType('mark').map(({ name, startTime }) => [name, startTime]);
  const all = [['node', performance.nodeTiming.bootstrapComplete], ...marks, ['end', performance.now()]];
  require('node:fs').writeSync(3, JSON.stringify(all));
});
`;

/** The marks in their order, and what the time before each is spent on. */
const STAGES: readonly (readonly [string, string])[] = [
  ['node', 'Node starts'],
  ['eschedule:loaded', 'the program loads'],
  ['eschedule:parsed', 'the command line is read'],
  ['eschedule:configured', 'the config is read'],
  ['cloud:candidates', 'hosts with room, and their agents (the clients load meanwhile)'],
  ['cloud:allocated', 'the allocation, or the claim of one'],
  ['cloud:placed', 'request and record in etcd, with the claim'],
  ['eschedule:printed', 'the line is printed'],
  ['end', 'exit'],
];

interface Run {
  readonly wallMs: number;
  readonly marks: ReadonlyMap<string, number>;
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) / 2;
};

const run = async (argv: readonly string[], [program, cwd] = [process.execPath, '.']): Promise<Run> => {
  const startedAt = performance.now();
  const child = spawn(program, argv, { cwd, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const read = async (stream: unknown): Promise<string> => (stream instanceof Readable ? readText(stream) : '');
  const [code, , said, marks] = await Promise.all([
    new Promise<number | null>((resolve) => child.once('close', resolve)),
    read(child.stdout),
    read(child.stderr),
    read(child.stdio[3]),
  ]);
  const wallMs = performance.now() - startedAt;
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${said}`);
  const pairs: [string, number][] = marks === '' ? [] : JSON.parse(marks);
  return { wallMs, marks: new Map(pairs) };
};

/** One host, which both kinds of capacity know. */
const addHost = async (etcd: EtcdServer, server: PlacementServer): Promise<void> => {
  await using store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port }));
  const keys = createKeys('');
  const uuid = newProviderUuid();
  const of = (total: number) => ({ total, reserved: 0, allocation_ratio: 1, max_unit: total });
  const inventories = { VCPU: of(100_000), MEMORY_MB: of(10_000_000), DISK_GB: of(100_000) };
  const service = await openPlacementCapacity(placementSection.parse({ endpoint: server.endpoint }));
  for (const capacity of [createEtcdCapacity({ store, keys }), service])
    await capacity.publish(uuid, { name: 'bench', inventories, traits: [], aggregates: [] });
  const key = keys.agent(uuid);
  await store.txn([{ key, modRevision: '0' }], [{ op: 'put', key, value: JSON.stringify(presenceOf(uuid)) }]);
  service.close();
};

/** Copies the original beside its config, and lets it say the `consumer_type` without which today's Placement refuses it. */
const copyOriginal = async (from: string, to: string, [etcd, server]: [EtcdServer, PlacementServer]): Promise<void> => {
  await cp(join(from, 'ecomp'), join(to, 'ecomp'), { recursive: true });
  const path = join(to, 'ecomp', 'schedule.py');
  const source = await readFile(path, 'utf8');
  const generation = "'consumer_generation': None,";
  if (!source.includes(generation)) throw new Error(`could not patch ${path}: it does not say ${generation}`);
  await writeFile(path, source.replace(generation, `${generation} 'consumer_type': 'INSTANCE',`));
  const config = `etcd: {host: ${etcd.host}, port: ${etcd.port}}\nplacement: {endpoint: "${server.endpoint}"}\n`;
  await writeFile(join(to, 'schedule.yaml'), config);
};

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

interface Runs {
  readonly bare: Run[];
  readonly bundled: Run[];
  /** The same, with its marks: writing them down takes time too. */
  readonly marked: Run[];
  readonly unbundled: Run[];
  /** Room is counted by a Placement service. */
  readonly service: Run[];
  readonly markedService: Run[];
  readonly original: Run[];
}

const report = (runs: Runs): void => {
  const wall = (runs: readonly Run[]): string => {
    const all = runs.map(({ wallMs }) => wallMs);
    const format = (ms: number): string => (ms / 1000).toFixed(3);
    return `median ${format(median(all))} s, fastest ${format(Math.min(...all))} s, slowest ${format(Math.max(...all))} s`;
  };
  print(`n = ${runs.bundled.length} each, alternating; Node ${process.version}`);
  print(`eschedule boot --no-wait      ${wall(runs.bundled)}`);
  print(`the same, not bundled         ${wall(runs.unbundled)}`);
  print(`with a Placement service      ${wall(runs.service)}`);
  if (runs.original.length > 0) print(`the original's eschedule      ${wall(runs.original)}`);
  print(`node -e 0                     ${wall(runs.bare)}`);
  print('\nwhere the time of eschedule goes (medians; with a Placement service):');
  const [counted, served] = [spansOf(runs.marked), spansOf(runs.markedService)];
  const words = [...STAGES.map(([, text]) => text), 'the process is made and taken away'];
  for (const [index, text] of words.entries())
    print(
      `  ${(counted[index] ?? 0).toFixed(1).padStart(6)} ms ${(served[index] ?? 0).toFixed(1).padStart(6)} ms  ${text}`,
    );
};

/** Of each stage, and of what is around them all. */
const spansOf = (runs: readonly Run[]): number[] => [
  ...STAGES.map(([mark], index) => {
    const before = STAGES[index - 1]?.[0];
    return median(
      runs.map(({ marks }) => (marks.get(mark) ?? 0) - (before === undefined ? 0 : (marks.get(before) ?? 0))),
    );
  }),
  median(runs.map(({ wallMs, marks }) => wallMs - (marks.get('end') ?? 0))),
];

await using folder = await makeTempDir('cold-start');
await using etcd = await startEtcd();
await using placement = await startPlacement();
await addHost(etcd, placement);
const counted = join(folder.path, 'counted.yaml');
const served = join(folder.path, 'schedule.yaml');
const hook = join(folder.path, 'hook.cjs');
const etcdOnly = `etcd: {host: ${etcd.host}, port: ${etcd.port}}\n`;
await writeFile(counted, etcdOnly);
await writeFile(served, `${etcdOnly}placement: {endpoint: "${placement.endpoint}"}\n`);
await writeFile(hook, HOOK);
const argv = (config: string): readonly string[] => ['boot', '--no-wait', '--config', config];
const runs: Runs = { bare: [], bundled: [], marked: [], unbundled: [], service: [], markedService: [], original: [] };
if (options.original !== undefined) await copyOriginal(options.original, folder.path, [etcd, placement]);
for (const config of [counted, served]) await run([LAUNCHER, ...argv(config)]);
for (let index = 0; index < RUNS; index += 1) {
  runs.bare.push(await run(['-e', '0']));
  runs.bundled.push(await run([LAUNCHER, ...argv(counted)]));
  runs.service.push(await run([LAUNCHER, ...argv(served)]));
  runs.marked.push(await run(['--require', hook, LAUNCHER, ...argv(counted)]));
  runs.markedService.push(await run(['--require', hook, LAUNCHER, ...argv(served)]));
  runs.unbundled.push(await run([UNBUNDLED, ...argv(counted)]));
  if (options.original !== undefined) {
    const python = ['-c', 'from ecomp import schedule; schedule.run()', 'resources=VCPU:1,MEMORY_MB:256,DISK_GB:1'];
    runs.original.push(await run(python, ['/usr/bin/python3', folder.path]));
  }
}
report(runs);
