/** Real guests under the agent: what they do by themselves, and a libvirtd that dies while they run and while they are built. */
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCloud } from '@etcd-compute/cloud';
import type { ActionName } from '@etcd-compute/common/wishes/kinds';
import { getInventories } from '@etcd-compute/common/placement/resource-providers';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { connect } from '@etcd-compute/libvirt/connection';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { qemusOf } from '@etcd-compute/testing/qemu-processes';
import { typeLine } from '@etcd-compute/testing/type-line';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  askToDestroy,
  boot,
  findRecord,
  hostOf,
  startWorld,
  waitForRecord,
  waitForState,
  type WishOptions,
  type World,
} from '../integration/fixtures/agent-world.js';

const CACHE = join(import.meta.dirname, '../../.cache');
const GUEST = { VCPU: 1, DISK_GB: 1, MEMORY_MB: 128 };
const GUEST_WITH_UEFI = { ...GUEST, MEMORY_MB: 256 };

let world: World;
let libvirtd: LibvirtDaemon;
let agent: Ecompute;
let image: string;
const booted: InstanceUuid[] = [];

beforeAll(async () => {
  world = await startWorld();
  // Guests run as another user, who must reach their disks.
  await chmod(world.dir.path, 0o755);
  const [dir, agentDir] = [join(world.dir.path, 'v'), join(world.dir.path, 'agent')];
  await Promise.all([mkdir(dir), mkdir(agentDir)]);
  const guest = await buildGuestImage(CACHE);
  world.images.setFile('guest', guest.path);
  image = world.images.url('guest');
  libvirtd = await startLibvirtd({ dir });
  agent = await world.startAgent({
    dir: agentDir,
    beside: libvirtd,
    config: { libvirt: { uri: libvirtd.uri }, inventory: { VCPU: { allocation_ratio: 100 } } },
  });
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

const bootGuest = async (options: WishOptions = {}): Promise<InstanceUuid> => {
  const instance = await boot(world, agent.uuid, { image, resources: GUEST, ...options });
  booted.push(instance);
  return instance;
};

const bootToAddress = async (options: WishOptions = {}): Promise<InstanceUuid> => {
  const instance = await bootGuest(options);
  await waitForRecord(world, instance, ({ addresses }) => addresses.length > 0);
  return instance;
};

const withDomain = async (instance: InstanceUuid, use: (domain: Domain) => Promise<void>): Promise<void> => {
  await using connection = await connect(libvirtd.uri);
  await using domain = await connection.domainLookupByUUID(instance);
  await use(domain);
};

/** Types a line at the shell on the guest's serial console. */
const type = async (instance: InstanceUuid, line: string): Promise<void> =>
  withDomain(instance, async (domain) => typeLine(domain, line));

const lastReason = async (instance: InstanceUuid): Promise<string | undefined> =>
  (await findRecord(world, instance))?.transitions.at(-1)?.reason;

test('a guest that powers itself off is stopped; one that reboots stays active, and is the same qemu', async () => {
  const [off, again] = [await bootToAddress(), await bootToAddress()];
  const before = await qemusOf(again);
  await type(off, 'poweroff -f');
  await waitForState(world, off, 'stopped');
  expect(await lastReason(off)).toBe('the guest was shut off');
  expect(await qemusOf(off)).toEqual([]);
  await type(again, 'reboot -f');
  await type(again, 'echo back'); // its shell is there again
  expect(await findRecord(world, again)).toMatchObject({ state: 'active' });
  expect(await qemusOf(again)).toEqual(before);
});

test('a guest that panics, and one whose qemu is killed, have crashed', async () => {
  const [panics, killed] = [await bootToAddress(), await bootToAddress()];
  await type(panics, 'echo c > /proc/sysrq-trigger');
  await waitForState(world, panics, 'stopped');
  expect(await lastReason(panics)).toBe('the guest crashed');
  const [pid = 0] = await qemusOf(killed);
  process.kill(pid, 'SIGKILL');
  await waitForState(world, killed, 'stopped');
  expect(await lastReason(killed)).toBe('the guest crashed');
});

test('a guest that is paused or suspended goes on where it was, one that is reset begins anew; what they leave on the host goes with them', async () => {
  const instance = await bootToAddress();
  await type(instance, 'WORD=remembered');
  const cloud = createCloud({ store: world.store, capacity: world.capacity });
  const ask = async (kind: ActionName): Promise<void> => {
    expect(await cloud.ask(kind, [instance], { waitMs: 120_000 })).toMatchObject({ errors: [] });
  };
  const said = async (text: string): Promise<void> => {
    const path = join(agent.stateDir, 'consoles', `${instance}.log`);
    await waitFor(async () => (await readFile(path, 'latin1')).includes(text), { what: `'${text}' on the console` });
  };
  const listMemory = async (): Promise<string> =>
    (await libvirtd.netnsExec(['ls', '/var/lib/libvirt/qemu/save'])).stdout;
  await ask('pause');
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active', paused: 'user' });
  await ask('suspend');
  expect(await findRecord(world, instance)).toMatchObject({ state: 'suspended', paused: null, addresses: [] });
  expect(await qemusOf(instance)).toEqual([]);
  expect(await listMemory()).toContain(instance);
  await ask('resume');
  await waitForRecord(world, instance, ({ paused, addresses }) => paused === null && addresses.length > 0);
  await type(instance, 'echo "$WORD-$((40+2))"');
  await said('remembered-42');
  expect(await listMemory()).not.toContain(instance);
  const before = await qemusOf(instance);
  await ask('reset');
  await type(instance, 'echo "${WORD:-forgotten}-$((50+2))"'); // its shell is there again
  await said('forgotten-52');
  expect(await qemusOf(instance)).toEqual(before);
  await ask('suspend');
  await askToDestroy(world, agent.uuid, instance);
  await waitForState(world, instance, 'deleted');
  expect(await listMemory()).not.toContain(instance);
});

test('a guest boots by UEFI, whose settings are gone with it', async () => {
  const instance = await bootToAddress({ resources: GUEST_WITH_UEFI, guest: { firmware: 'uefi' } });
  expect(await readFile(join(agent.stateDir, 'consoles', `${instance}.log`), 'latin1')).toContain('BdsDxe: starting');
  const listSettings = async (): Promise<string> =>
    (await libvirtd.netnsExec(['ls', '/var/lib/libvirt/qemu/nvram'])).stdout;
  expect(await listSettings()).toContain(instance);
  await askToDestroy(world, agent.uuid, instance);
  await waitForState(world, instance, 'deleted');
  expect(await listSettings()).not.toContain(instance);
});

test('libvirtd is killed while a guest runs: it runs on, and what it does afterwards is noticed', async () => {
  const instance = await bootToAddress();
  const before = await qemusOf(instance);
  await libvirtd.kill();
  await agent.waitForLog('no connection to libvirt, trying again; guests keep running');
  await libvirtd.restart();
  await waitFor(async () => (await agent.readLog()).filter(({ msg }) => msg === 'connected to libvirt').length > 1, {
    what: 'the agent to be connected again',
  });
  expect(await qemusOf(instance)).toEqual(before);
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active', fault: null });
  await withDomain(instance, async (domain) => domain.destroy());
  await waitForState(world, instance, 'stopped');
});

test('libvirtd is killed again and again while guests are built: each is built once', async () => {
  const instances = [await bootGuest(), await bootGuest(), await bootGuest()];
  const isSettled = async (): Promise<boolean> => {
    const records = await Promise.all(instances.map(async (instance) => findRecord(world, instance)));
    return records.every((record) => record?.state === 'active');
  };
  for (let round = 0; round < 3; round += 1) {
    await waitFor(
      async () => (await isSettled()) || (await Promise.all(instances.map(qemusOf))).flat().length > round,
      {
        what: 'a guest to start',
      },
    );
    await libvirtd.kill();
    await libvirtd.restart();
  }
  await waitFor(isSettled, { what: 'all to be active' });
  for (const instance of instances) {
    expect(await qemusOf(instance)).toHaveLength(1);
    expect((await findRecord(world, instance))?.transitions.map(({ state }) => state)).not.toContain('error');
  }
});

test('SIGTERM while ten guests are built: exit 0, the host is locked, a running guest is not touched; the next start goes on', async () => {
  const running = await bootToAddress();
  const before = await qemusOf(running);
  const instances: InstanceUuid[] = [];
  for (let count = 0; count < 10; count += 1) instances.push(await bootGuest());
  await waitFor(async () => (await Promise.all(instances.map(qemusOf))).flat().length > 0, {
    what: 'a guest to start',
  });
  expect(await agent.stop()).toEqual({ code: 0, signal: null });
  const { inventories } = await getInventories(world.client, hostOf(agent));
  expect(inventories['VCPU']?.reserved).toBe(inventories['VCPU']?.total);
  expect(await qemusOf(running)).toEqual(before);
  const left = await Promise.all(instances.map(async (instance) => findRecord(world, instance)));
  // One that was not claimed yet has no record: these requests are the original's.
  for (const record of left) expect([undefined, 'building', 'active']).toContain(record?.state);
  await agent.restart();
  for (const instance of instances) await waitForState(world, instance, 'active');
  for (const instance of [running, ...instances]) expect(await qemusOf(instance)).toHaveLength(1);
  expect(await qemusOf(running)).toEqual(before);
});

test('a domain that is undefined by hand while it runs is destroyed with its instance, without an error', async () => {
  const instance = await bootToAddress();
  await withDomain(instance, async (domain) => domain.undefineFlags(0));
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active' });
  await askToDestroy(world, agent.uuid, instance);
  await waitForState(world, instance, 'deleted');
  await using connection = await connect(libvirtd.uri);
  const gone = await connection.domainLookupByUUID(instance).catch((err: unknown) => err);
  expect(isLibvirtError(gone, 'VIR_ERR_NO_DOMAIN')).toBe(true);
});
