/**
 * One boot, thirty at once, and the agent's memory, beside what bare libvirt needs for the same, in one run.
 *
 *   node bench/dist/boots.js [--runs 3] [--count 30] [--parallel 4]
 *
 * Bare libvirt gets its disks made beforehand, and defines and starts with the same number of calls in flight. Ours counts from the
 * write of the boot requests to the last record `active`, so it includes claims, disks and addresses.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import type { InstanceUuid } from '@etcd-compute/common/ids';
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

const runBare = async (stage: Stage, guests: number): Promise<number> => {
  const folder = join(stage.dir, 'bare');
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const program = join(import.meta.dirname, 'bare-libvirt.js');
  const args = [program, stage.libvirtd.uri, String(guests), String(parallel), folder, stage.imagePath, 'ecompute'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 600_000 });
  await rm(folder, { recursive: true, force: true });
  const result: { seconds: number } = JSON.parse(stdout);
  return result.seconds;
};

interface Ours {
  readonly running: number;
  readonly addressed: number;
}

const runOurs = async (stage: Stage, guests: number): Promise<Ours> => {
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
  const bare: number[] = [];
  const ours: Ours[] = [];
  for (let run = 1; run <= repeats; run += 1) {
    bare.push(await runBare(stage, guests));
    ours.push(await runOurs(stage, guests));
  }
  const bareMedian = median(bare);
  const running = median(ours.map((run) => run.running));
  const addressed = median(ours.map((run) => run.addressed));
  say(`${guests} at once, median of ${repeats}:`);
  say(`  bare libvirt, defined and started   ${seconds(bareMedian)}   (${bare.map(seconds).join(', ')})`);
  say(
    `  ours, all running                   ${seconds(running)}   (${ours.map((run) => seconds(run.running)).join(', ')})`,
  );
  say(`  ours, all with an address           ${seconds(addressed)}`);
  say(`  ratio ${(running / bareMedian).toFixed(2)}, difference ${seconds(running - bareMedian)}`);
};

await using stage = await openStage({ parallel });
await runOurs(stage, 1); // fetches the image
// At rest: the threads of libvirt's calls end some ten seconds after the last one.
await sleep(20_000);
say(`agent at rest, after its first boot: ${formatMB(await residentKiB(stage.agent.pid))} resident`);
await compare(stage, 1, Math.max(runs, 5));
await compare(stage, count, runs);
await sleep(20_000);
say(`agent at rest, after all of that: ${formatMB(await residentKiB(stage.agent.pid))} resident`);
