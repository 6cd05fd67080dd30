/**
 * One boot, thirty at once, and the agent's memory, beside what bare libvirt needs for the same, in one run.
 *
 *   node bench/dist/boots.js [--runs 3] [--count 30] [--parallel 4]
 *
 * Bare libvirt gets its disks made beforehand, and defines and starts with the same number of calls in flight: once as it is, and once
 * with guests that are started paused and let go when all are there, as the agent does it. Ours counts from the write of the boot
 * requests to the last record `active`, so it includes claims and disks, and to the last address.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { createGuestNetwork } from '@etcd-compute/agent/networks/guest-network';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { connect } from '@etcd-compute/libvirt/connection';
import { formatMB, median, say, seconds } from './figures.js';
import { allocateOn, destroy, hasAddress, isDeleted, isRunning, request, waitForRecords } from './requests.js';
import { openStage, type Stage } from './stage.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    count: { type: 'string', default: '30' },
    parallel: { type: 'string', default: '4' },
  },
});
const [runs, count, parallel] = [Number(values.runs), Number(values.count), Number(values.parallel)];

/** One like the agent's, without the packet filter, which knows no guests of others. */
const BARE_NETWORK = 'bare';

const makeBareNetwork = async ({ libvirtd }: Stage): Promise<void> => {
  const { network } = agentConfigSchema.parse({ network: { name: BARE_NETWORK, cidr: '10.44.0.0/20' } });
  await using connection = await connect(libvirtd.uri);
  await createGuestNetwork({ config: network, log: silentLogger() }).open(connection);
};

interface Times {
  /** Seconds until the last guest runs. */
  readonly running: number;
  /** Until the last one has its address. */
  readonly addressed: number;
}

const runBare = async (stage: Stage, guests: number, mode: 'plain' | 'held'): Promise<Times> => {
  const folder = join(stage.dir, 'bare');
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const program = join(import.meta.dirname, 'bare-libvirt.js');
  const args = [
    program,
    stage.libvirtd.uri,
    String(guests),
    String(parallel),
    folder,
    stage.imagePath,
    BARE_NETWORK,
    mode,
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 1_200_000 });
  await rm(folder, { recursive: true, force: true });
  const times: Times = JSON.parse(stdout);
  return times;
};

const runOurs = async (stage: Stage, guests: number): Promise<Times> => {
  const instances: InstanceUuid[] = [];
  for (let guest = 0; guest < guests; guest += 1) instances.push(await allocateOn(stage));
  const startedAt = performance.now();
  const since = (): number => (performance.now() - startedAt) / 1000;
  await Promise.all(instances.map(async (instance) => request(stage, instance)));
  await waitForRecords(stage, instances, { what: 'running', isDone: isRunning });
  const running = since();
  await waitForRecords(stage, instances, { what: 'addressed', isDone: hasAddress });
  const addressed = since();
  await destroyAll(stage, instances);
  return { running, addressed };
};

const destroyAll = async (stage: Stage, instances: readonly InstanceUuid[]): Promise<void> => {
  await Promise.all(instances.map(async (instance) => destroy(stage, instance)));
  await waitForRecords(stage, instances, { what: 'deleted', isDone: isDeleted });
};

const residentKiB = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
};

const compare = async (stage: Stage, guests: number, repeats: number): Promise<void> => {
  const [plain, held, ours]: [Times[], Times[], Times[]] = [[], [], []];
  for (let run = 1; run <= repeats; run += 1) {
    plain.push(await runBare(stage, guests, 'plain'));
    held.push(await runBare(stage, guests, 'held'));
    ours.push(await runOurs(stage, guests));
  }
  const line = (name: string, of: (times: Times) => number, runs: readonly Times[]): void =>
    say(`  ${name.padEnd(40)} ${seconds(median(runs.map(of)))}   (${runs.map(of).map(seconds).join(', ')})`);
  const ratio = (name: string, of: (times: Times) => number, bare: readonly Times[]): void => {
    const [mine, theirs] = [median(ours.map(of)), median(bare.map(of))];
    say(`  ${name.padEnd(40)} ${(mine / theirs).toFixed(2)}, difference ${seconds(mine - theirs)}`);
  };
  const running = (times: Times): number => times.running;
  const addressed = (times: Times): number => times.addressed;
  say(`${guests} at once, median of ${repeats}:`);
  line('bare libvirt, all running', running, plain);
  line('bare libvirt, all with an address', addressed, plain);
  line('bare libvirt, held, all running', running, held);
  line('bare libvirt, held, all with an address', addressed, held);
  line('ours, all running', running, ours);
  line('ours, all with an address', addressed, ours);
  ratio('ours to bare libvirt, running', running, plain);
  ratio('ours to bare libvirt, address', addressed, plain);
  ratio('ours to bare libvirt held, running', running, held);
  ratio('ours to bare libvirt held, address', addressed, held);
};

await using stage = await openStage({ parallel });
await makeBareNetwork(stage);
await runOurs(stage, 1); // fetches the image
// At rest: the threads of libvirt's calls end some ten seconds after the last one.
await sleep(20_000);
say(`agent at rest, after its first boot: ${formatMB(await residentKiB(stage.agent.pid))} resident`);
await compare(stage, 1, Math.max(runs, 5));
await compare(stage, count, runs);
await sleep(20_000);
say(`agent at rest, after all of that: ${formatMB(await residentKiB(stage.agent.pid))} resident`);
