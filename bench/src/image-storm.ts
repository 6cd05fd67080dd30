/**
 * Many boots of one image that the host does not have, beside one plain download of the same by curl.
 *
 *   node bench/dist/image-storm.js [--runs 3] [--count 30] [--mib 200]
 *
 * On libvirt's test driver: what is measured is the way from the boot requests to all disks, overlays on the cached image, without
 * guests that would take the processors. The image is random bytes; agent and cache are new in each run.
 */
import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { etcdSection, placementSection } from '@etcd-compute/common/config/sections';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openStore } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { openPlacement } from '@etcd-compute/common/placement/client';
import { startEcompute } from '@etcd-compute/testing/ecompute';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { startImageServer } from '@etcd-compute/testing/image-server';
import { startPlacement } from '@etcd-compute/testing/placement-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { formatMB, median, say, seconds } from './figures.js';
import { allocateOn, isRunning, request, waitForRecords } from './requests.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    count: { type: 'string', default: '30' },
    mib: { type: 'string', default: '200' },
  },
});
const [runs, count, mib] = [Number(values.runs), Number(values.count), Number(values.mib)];
const MIB = 1024 * 1024;

/** A disk of which no two blocks are alike, with a boot sector's mark. */
const writeImage = async (path: string): Promise<void> => {
  await using file = await open(path, 'w');
  for (let written = 0; written < mib; written += 1) {
    const piece = randomBytes(MIB);
    if (written === 0) piece.set([0x55, 0xaa], 510);
    await file.write(piece);
  }
  await file.sync();
};

await using dir = await makeTempDir('image-storm');
const imagePath = join(dir.path, 'image');
await writeImage(imagePath);
await using etcd = await startEtcd();
await using placementServer = await startPlacement();
await using images = await startImageServer({ image: imagePath });
await using store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port }));
const placement = await openPlacement(placementSection.parse({ endpoint: placementServer.endpoint }));
const imageUrl = images.url('image');

const downloadPlainly = async (): Promise<number> => {
  const path = join(dir.path, 'plain');
  const startedAt = performance.now();
  await runCommand(['curl', '--silent', '--fail', '--output', path, imageUrl]);
  // Ours is on the disk too before it is used.
  await using file = await open(path, 'r+');
  await file.sync();
  const took = (performance.now() - startedAt) / 1000;
  await rm(path);
  return took;
};

interface Storm {
  readonly seconds: number;
  readonly requests: number;
  readonly bytes: number;
  /** Of the agent, when it is ready and at its highest. */
  readonly idleKiB: number;
  readonly peakKiB: number;
}

const memoryOf = async (pid: number): Promise<{ now: number; peak: number }> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { now: field('VmRSS'), peak: field('VmHWM') };
};

const bootAll = async (): Promise<Storm> => {
  await using agent = await startEcompute({
    etcd,
    placement: placementServer,
    config: {
      disks: { mode: 'overlay' },
      inventory: {
        VCPU: { allocation_ratio: 500 },
        MEMORY_MB: { allocation_ratio: 500 },
        DISK_GB: { allocation_ratio: 10 },
      },
      log: { level: 'info', format: 'json' },
    },
  });
  const cloud = { store, keys: createKeys(''), placement, agent, imageUrl };
  const instances: InstanceUuid[] = [];
  for (let index = 0; index < count; index += 1) instances.push(await allocateOn(cloud));
  const before = images.requests.length;
  const { now: idleKiB } = await memoryOf(agent.pid);
  const startedAt = performance.now();
  await Promise.all(instances.map(async (instance) => request(cloud, instance)));
  await waitForRecords(cloud, instances, { what: 'running', isDone: isRunning });
  const took = (performance.now() - startedAt) / 1000;
  const asked = images.requests.slice(before);
  const bytes = asked.reduce((sum, each) => sum + each.bytes, 0);
  await expectOneImage(join(agent.stateDir, 'images'));
  const { peak: peakKiB } = await memoryOf(agent.pid);
  return { seconds: took, requests: asked.length, bytes, idleKiB, peakKiB };
};

const expectOneImage = async (folder: string): Promise<void> => {
  const names = (await readdir(folder)).filter((name) => name !== 'urls');
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  if (sizes.length !== 1 || sizes[0] !== mib * MIB) throw new Error(`the cache holds ${names.join(', ')}`);
};

const storms: Storm[] = [];
const plain: number[] = [];
for (let run = 1; run <= runs; run += 1) {
  plain.push(await downloadPlainly());
  const storm = await bootAll();
  storms.push(storm);
  say(
    `run ${run}: ${seconds(storm.seconds)} to ${count} disks, plain download ${seconds(plain.at(-1) ?? 0)}; ` +
      `${storm.requests} requests, ${(storm.bytes / MIB).toFixed(1)} MiB sent; ` +
      `agent ${formatMB(storm.idleKiB)} before, ${formatMB(storm.peakKiB)} at the peak`,
  );
}
placement.close();
const [ours, curls] = [median(storms.map((storm) => storm.seconds)), median(plain)];
say(`median of ${runs}: ${seconds(ours)} to all ${count} disks, one plain download of ${mib} MiB ${seconds(curls)}`);
say(`ratio ${(ours / curls).toFixed(2)}, ${((ours - curls) * 1000).toFixed(0)} ms more`);
say(`agent's memory at the peak: ${formatMB(median(storms.map((storm) => storm.peakKiB)))}`);
