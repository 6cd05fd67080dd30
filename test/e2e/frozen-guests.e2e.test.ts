/** Guests whose hypervisor process is frozen, as one is whose disk does not answer: they cost nobody else anything. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { connect } from '@etcd-compute/libvirt/connection';
import { CallTimeoutError } from '@etcd-compute/libvirt/errors';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { qemusOf } from '@etcd-compute/testing/qemu-processes';
import { runCommand } from '@etcd-compute/testing/run-command';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  askToDestroy,
  boot,
  findRecord,
  rawImage,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../integration/fixtures/agent-world.js';

const ESCHEDULE = fileURLToPath(import.meta.resolve('@etcd-compute/scheduler/eschedule.cjs'));

let world: World;
let libvirtd: LibvirtDaemon;
let agent: Ecompute;
let image: string;
let scheduleConfig: string;
const booted: InstanceUuid[] = [];

/** How long the agent waits for the answer of one. */
const FROZEN_SECONDS = 15;

beforeAll(async () => {
  world = await startWorld();
  // Guests run as another user, who must reach their disks.
  await chmod(world.dir.path, 0o755);
  const [dir, agentDir] = [join(world.dir.path, 'v'), join(world.dir.path, 'agent')];
  await Promise.all([mkdir(dir), mkdir(agentDir)]);
  // A guest that does nothing: cli, hlt, and again.
  const path = join(world.dir.path, 'halt.raw');
  const halt = rawImage();
  halt.set([0xfa, 0xf4, 0xeb, 0xfc]);
  await writeFile(path, halt);
  world.images.setFile('halt', path);
  image = world.images.url('halt');
  libvirtd = await startLibvirtd({ dir });
  agent = await world.startAgent({
    dir: agentDir,
    beside: libvirtd,
    config: {
      libvirt: { uri: libvirtd.uri },
      inventory: { VCPU: { allocation_ratio: 100 } },
      timeouts: { libvirt: FROZEN_SECONDS, guest_shutdown: 20, address: 1 },
      period: 5,
    },
  });
  scheduleConfig = join(world.dir.path, 'schedule.yaml');
  const { etcd, placement } = world;
  await writeFile(
    scheduleConfig,
    JSON.stringify({ etcd: { host: etcd.host, port: etcd.port }, placement: placement.section }),
  );
});
afterEach(async () => {
  const instances = booted.splice(0);
  for (const instance of instances) await askToDestroy(world, agent.uuid, instance);
  for (const instance of instances) await waitForState(world, instance, 'deleted');
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await libvirtd.stop();
  await world[Symbol.asyncDispose]();
});

const bootHalted = async (): Promise<InstanceUuid> => {
  const instance = await boot(world, agent.uuid, { image });
  booted.push(instance);
  await waitForState(world, instance, 'active');
  return instance;
};

const signal = async (instance: InstanceUuid, name: NodeJS.Signals): Promise<void> => {
  const [pid] = await qemusOf(instance);
  if (pid === undefined) throw new Error(`the guest ${instance} does not run`);
  process.kill(pid, name);
};

const eschedule = async (...argv: string[]): Promise<string> =>
  (await runCommand([process.execPath, ESCHEDULE, ...argv, '--config', scheduleConfig], { timeoutMs: 120_000 })).stdout;

const timed = async (task: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await task();
  return (performance.now() - startedAt) / 1000;
};

test('nine frozen guests are stopped together while another boots, which takes no longer than alone; all are stopped in the end', async () => {
  const frozen = await Promise.all(Array.from({ length: 9 }, bootHalted));
  const alone = await timed(bootHalted);
  for (const instance of frozen) await signal(instance, 'SIGSTOP');
  await eschedule('stop', '--no-wait', ...frozen);
  await Promise.all(
    frozen.map(async (instance) => waitForRecord(world, instance, ({ step }) => step?.name === 'shut-down-guest')),
  );
  const beside = await timed(bootHalted);
  // Their plugs are not pulled yet: libvirt waits for each.
  const states = await Promise.all(frozen.map(async (instance) => (await findRecord(world, instance))?.state));
  expect(states).toContain('active');
  // One that waits behind a frozen guest does so until the agent gives that up; a machine with much else to do needs room too.
  expect(beside).toBeLessThan(alone + 0.7 * FROZEN_SECONDS);
  for (const instance of frozen) await waitForState(world, instance, 'stopped');
});

test('a record says that a guest does not answer, as soon as libvirt knows, and no more when it does', async () => {
  const [frozen, other] = [await bootHalted(), await bootHalted()];
  await signal(frozen, 'SIGSTOP');
  // Somebody asks it something, and does not get an answer.
  await using connection = await connect(libvirtd.uri);
  await using domain = await connection.domainLookupByUUID(frozen);
  await expect(domain.getDiskErrors({ timeoutMs: 100 })).rejects.toThrow(CallTimeoutError);
  const { fault } = await waitForRecord(world, frozen, (record) => record.fault !== null);
  expect(fault).toMatchObject({ code: 'ECOMPUTE_DOMAIN_UNRESPONSIVE', step: null });
  expect(await eschedule('show', frozen)).toContain('its hypervisor process does not answer libvirt');
  await eschedule('reboot', '--hard', '--wait', other);
  await bootHalted();
  expect((await findRecord(world, frozen))?.state).toBe('active');
  await signal(frozen, 'SIGCONT');
  await waitForRecord(world, frozen, (record) => record.fault === null);
  expect(await findRecord(world, frozen)).toMatchObject({ state: 'active' });
});

test('a frozen guest can be destroyed, and stopped hard', async () => {
  const [gone, stopped] = [await bootHalted(), await bootHalted()];
  await signal(gone, 'SIGSTOP');
  await signal(stopped, 'SIGSTOP');
  await askToDestroy(world, agent.uuid, gone);
  await eschedule('stop', '--hard', '--wait', stopped);
  await waitForState(world, gone, 'deleted');
  expect([...(await qemusOf(gone)), ...(await qemusOf(stopped))]).toEqual([]);
  expect(await findRecord(world, stopped)).toMatchObject({ state: 'stopped', fault: null });
});
