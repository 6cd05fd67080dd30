/** Guests whose disks are in trouble: one that has no room on its host is paused, one that has lost its disk cannot start. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newInstanceUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { runCommand } from '@etcd-compute/testing/run-command';
import { typeLine } from '@etcd-compute/testing/type-line';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  allocateByHand,
  askToDestroy,
  bootMessage,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../integration/fixtures/agent-world.js';

const CACHE = join(import.meta.dirname, '../../.cache');
const ESCHEDULE = fileURLToPath(import.meta.resolve('@etcd-compute/scheduler/eschedule.cjs'));

let world: World;
let libvirtd: LibvirtDaemon;
let connection: Connection;
let agent: Ecompute;
let disks: string;
let scheduleConfig: string;

beforeAll(async () => {
  world = await startWorld();
  // Guests run as another user, who must reach their disks.
  await chmod(world.dir.path, 0o755);
  const [dir, agentDir] = [join(world.dir.path, 'v'), join(world.dir.path, 'agent')];
  disks = join(agentDir, 'state', 'disks');
  await Promise.all([mkdir(dir), mkdir(disks, { recursive: true })]);
  // Before libvirtd, which has the mounts of now.
  await runCommand(['mount', '-t', 'tmpfs', '-o', 'size=16m,mode=711', 'full-disk', disks]);
  world.images.setFile('guest', (await buildGuestImage(CACHE)).path);
  libvirtd = await startLibvirtd({ dir });
  connection = await connect(libvirtd.uri);
  agent = await world.startAgent({ dir: agentDir, beside: libvirtd, config: { libvirt: { uri: libvirtd.uri } } });
  scheduleConfig = join(world.dir.path, 'schedule.yaml');
  const { etcd, placement } = world;
  await writeFile(
    scheduleConfig,
    JSON.stringify({ etcd: { host: etcd.host, port: etcd.port }, placement: placement.section }),
  );
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await connection.close();
  await libvirtd.stop();
  await runCommand(['umount', '--lazy', disks]);
  await world[Symbol.asyncDispose]();
});

/** The file system has no whole GiB that Placement could count. */
const bootUncounted = async (): Promise<InstanceUuid> => {
  const instance = newInstanceUuid();
  const resources = { VCPU: 1, MEMORY_MB: 128 };
  await allocateByHand(world, instance, { [agent.uuid]: { resources } });
  const image = world.images.url('guest');
  const message = bootMessage(agent.uuid, { instance, image, resources: { ...resources, DISK_GB: 1 } });
  await world.etcdctl('put', `/hosts/${agent.uuid}/${instance}`, JSON.stringify(message));
  await waitForRecord(world, instance, ({ addresses }) => addresses.length > 0);
  return instance;
};

const eschedule = async (...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [ESCHEDULE, ...argv, '--config', scheduleConfig], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });

test('a guest whose disk has no room is paused and says so; it goes on when there is room and it is started', async () => {
  const instance = await bootUncounted();
  await using domain = await connection.domainLookupByUUID(instance);
  const id = await domain.getID();
  await typeLine(domain, 'dd if=/dev/urandom of=/dev/vda bs=64k seek=8000 count=800; echo all-written');
  const full = await waitForRecord(world, instance, ({ paused }) => paused !== null);
  expect(full).toMatchObject({
    state: 'active',
    paused: 'ioerror',
    fault: {
      code: 'ECOMPUTE_GUEST_DISK_FULL',
      message: 'the guest is paused: its disk vda could not be written, because its host has no space',
    },
  });
  expect(full.fault?.hint).toContain(disks);
  expect((await eschedule('list', '--all-projects')).stdout).toMatch(new RegExp(`${instance} +paused `));
  expect((await eschedule('show', instance)).stdout).toContain('power:     paused (ioerror)');

  const vain = await eschedule('start', instance);
  expect(vain.code).toBe(1);
  expect(vain.stderr).toContain('its host has no space');
  await waitForRecord(world, instance, ({ paused, fault }) => paused === 'ioerror' && fault !== null);

  await runCommand(['mount', '-o', 'remount,size=200m', disks]);
  expect(await eschedule('start', instance)).toMatchObject({ code: 0 });
  const record = await waitForRecord(world, instance, ({ paused }) => paused === null);
  expect(record).toMatchObject({ state: 'active', fault: null });
  expect(await domain.getState()).toMatchObject({ state: 'running' });
  expect(await domain.getID()).toBe(id); // the same guest, and not one that was started anew
  await typeLine(domain, 'echo still-here');
  await askToDestroy(world, agent.uuid, instance);
  await waitForState(world, instance, 'deleted');
});

test('a guest whose disk is not there does not start, and says so; with its disk it does', async () => {
  const instance = await bootUncounted();
  expect(await eschedule('stop', instance, '--hard')).toMatchObject({ code: 0 });
  const disk = join(disks, `${instance}.img`);
  await rename(disk, `${disk}.away`);
  const vain = await eschedule('start', instance);
  expect(vain.code).toBe(1);
  expect(vain.stderr).toContain(`its disk is not in ${disks}`);
  await rename(`${disk}.away`, disk);
  expect(await eschedule('start', instance)).toMatchObject({ code: 0 });
  await waitForRecord(world, instance, ({ state, fault }) => state === 'active' && fault === null);
  await askToDestroy(world, agent.uuid, instance);
  await waitForState(world, instance, 'deleted');
});
