/** Snapshots of real guests: running, frozen by their agent, and stopped; what ends them half-way leaves nothing. */
import { chmod, mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCloud, type Cloud } from '@etcd-compute/cloud';
import { snapshotSchema, type Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import { MIB } from '@etcd-compute/common/units';
import { connect } from '@etcd-compute/libvirt/connection';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { qemusOf } from '@etcd-compute/testing/qemu-processes';
import { runCommand } from '@etcd-compute/testing/run-command';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { findRecord, hostOf, startWorld, waitForRecord, type World } from '../integration/fixtures/agent-world.js';
import { runInGuest } from './guest-shell.js';

const CACHE = join(import.meta.dirname, '../../.cache');
const WAIT = { waitMs: 240_000 };

let world: World;
let libvirtd: LibvirtDaemon;
let agent: Ecompute;
let cloud: Cloud;
let images: string;

beforeAll(async () => {
  world = await startWorld();
  // Guests run as another user, who must reach their disks.
  await chmod(world.dir.path, 0o755);
  const [dir, agentDir] = [join(world.dir.path, 'v'), join(world.dir.path, 'agent')];
  images = join(agentDir, 'state', 'images');
  await Promise.all([mkdir(dir), mkdir(images, { recursive: true })]);
  // Of its own, so that it can be filled; before libvirtd, which has the mounts of now.
  await runCommand(['mount', '-t', 'tmpfs', '-o', 'size=512m,mode=755', 'snapshots', images]);
  world.images.setFile('guest', (await buildGuestImage(CACHE)).path);
  libvirtd = await startLibvirtd({ dir });
  agent = await world.startAgent({
    dir: agentDir,
    beside: libvirtd,
    config: {
      libvirt: { uri: libvirtd.uri },
      inventory: { VCPU: { allocation_ratio: 100 } },
      images: { allow_private: ['127.0.0.0/8'], keep_free: 0 },
      period: 5,
    },
  });
  cloud = createCloud({ store: world.store, capacity: world.capacity });
});
afterEach(async () => {
  const { instances } = await cloud.list();
  await cloud.destroy(
    instances.map(({ instance }) => instance),
    WAIT,
  );
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await libvirtd.stop();
  await runCommand(['umount', '--lazy', images]);
  await world[Symbol.asyncDispose]();
});

const boot = async (image = world.images.url('guest')): Promise<InstanceUuid> => {
  const want = { resources: { VCPU: 1, MEMORY_MB: 128, DISK_GB: 1 } };
  const { booted, errors } = await cloud.boot({ want, image, ...WAIT });
  expect(errors).toEqual([]);
  const instance = instanceUuidSchema.parse(booted[0]?.instance.instance);
  await waitForRecord(world, instance, ({ addresses }) => addresses.length > 0);
  return instance;
};

const inGuest = async (instance: InstanceUuid, command: string): Promise<string> =>
  runInGuest(libvirtd.uri, instance, command);

/** Far behind what the image has on the disk. */
const place = (word: number): string => `bs=512 seek=${1_500_000 + word} count=1 conv=notrunc,fsync`;
const write = (text: string, word: number): string => `echo ${text} | dd of=/dev/vda ${place(word)} 2>/dev/null`;
const read = async (instance: InstanceUuid, word: number): Promise<string> =>
  inGuest(instance, `dd if=/dev/vda bs=512 skip=${1_500_000 + word} count=1 2>/dev/null | head -n 1`);

const snapshot = async (instance: InstanceUuid, name: string) =>
  cloud.ask('snapshot', [instance], { args: { name }, ...WAIT });

const find = async (name: string): Promise<Snapshot> => {
  const key = world.keys.imageSnapshot(hostOf(agent), { project: 'default', name });
  return parseMessage(snapshotSchema, key, (await world.store.get(key))?.value ?? '');
};

const hasAgent = async (instance: InstanceUuid): Promise<void> => {
  await waitForRecord(world, instance, ({ address_sources: sources }) => sources?.['agent'] !== undefined);
  await using connection = await connect(libvirtd.uri);
  await using domain = await connection.domainLookupByUUID(instance);
  await waitFor(async () => /guest_agent\.0' state='connected'/.test(await domain.getXMLDesc()), {
    what: 'the guest agent to connect',
  });
};

/** Has the guest's agent write on its disk whether it is frozen; each action is also noted in the guest. */
const installHook = async (instance: InstanceUuid, before = ''): Promise<void> => {
  await hasAgent(instance);
  const script = `${before} echo $1 >> /tmp/actions; ${write('$1', 8)}`;
  await inGuest(instance, `echo '#!/bin/sh' > /tmp/fsfreeze-hook; echo '${script}' >> /tmp/fsfreeze-hook`);
  await inGuest(instance, 'chmod 755 /tmp/fsfreeze-hook');
};

const leftovers = async (): Promise<string[]> => (await readdir(images)).filter((name) => name.endsWith('.part'));

test('a running guest: what is copied is its disk as it was while frozen; it goes on, thawed', async () => {
  const instance = await boot();
  await installHook(instance);
  await inGuest(instance, write('remembered', 0));
  const before = { qemu: await qemusOf(instance), record: await findRecord(world, instance) };
  expect((await snapshot(instance, 'running')).errors).toEqual([]);
  expect(await find('running')).toMatchObject({ instance, is_consistent: true, virtual_bytes: 1024 * MIB });
  expect(await inGuest(instance, 'cat /tmp/actions')).toBe('freeze\nthaw');
  expect(await read(instance, 8)).toBe('thaw');
  expect(await qemusOf(instance)).toEqual(before.qemu);
  expect((await findRecord(world, instance))?.addresses).toEqual(before.record?.addresses);
  await inGuest(instance, write('later', 0));

  const clone = await boot('snapshot:running');
  expect([await read(clone, 0), await read(clone, 8)]).toEqual(['remembered', 'freeze']);
  expect(await leftovers()).toEqual([]);
});

test('a stopped guest, and one of a snapshot: each snapshot needs no other file', async () => {
  const instance = await boot();
  await inGuest(instance, write('first', 0));
  await cloud.ask('stop', [instance], { args: { hard: true }, ...WAIT });
  expect((await snapshot(instance, 'stopped')).errors).toEqual([]);
  const clone = await boot('snapshot:stopped');
  expect(await read(clone, 0)).toBe('first');
  await inGuest(clone, write('second', 1));
  expect((await snapshot(clone, 'nested')).errors).toEqual([]);
  const { sha256 } = await find('nested');
  const { stdout } = await runCommand(['qemu-img', 'info', '--output=json', join(images, `${sha256}.img`)]);
  expect(JSON.parse(stdout)).not.toHaveProperty('backing-filename');
  const last = await boot('snapshot:nested');
  expect([await read(last, 0), await read(last, 1)]).toEqual(['first', 'second']);
});

test('a guest that is shelved comes back with all that was on its disks, and runs', async () => {
  const want = { resources: { VCPU: 1, MEMORY_MB: 128, DISK_GB: 2 } };
  const { booted, errors } = await cloud.boot({ want, addDisks: [1], image: world.images.url('guest'), ...WAIT });
  expect(errors).toEqual([]);
  const instance = instanceUuidSchema.parse(booted[0]?.instance.instance);
  await inGuest(instance, write('on the root disk', 0));
  // virtio tells the guest the first 20 characters.
  const serial = booted[0]?.instance.disks[1]?.uuid.slice(0, 20);
  const second = `/dev/$(basename $(dirname $(grep -l ${serial} /sys/block/vd*/serial)))`;
  await inGuest(instance, `echo beside it | dd of=${second} ${place(0)} 2>/dev/null`);
  expect((await cloud.ask('shelve', [instance], { args: { hard: true }, ...WAIT })).errors).toEqual([]);
  expect(await qemusOf(instance)).toEqual([]);
  expect(await readdir(join(agent.stateDir, 'disks'))).not.toContain(`${instance}.img`);
  expect((await cloud.unshelve([instance], WAIT)).errors).toEqual([]);
  expect(await read(instance, 0)).toBe('on the root disk');
  const beside = await inGuest(instance, `dd if=${second} bs=512 skip=1500000 count=1 2>/dev/null | head -n 1`);
  expect(beside).toBe('beside it');
  const { snapshots } = (await cloud.images.list()).find(({ disks }) => disks > 0) ?? {};
  expect(snapshots).toEqual([]);
  expect(await leftovers()).toEqual([]);
});

test('an agent that is killed while a guest is being frozen: the next one thaws it, and takes the snapshot', async () => {
  const instance = await boot();
  await installHook(instance, '[ -e /tmp/actions ] || sleep 5;');
  await cloud.ask('snapshot', [instance], { args: { name: 'killed' } });
  const frozen = join(agent.stateDir, 'frozen');
  await waitFor(async () => (await readdir(frozen).catch((): string[] => [])).includes(instance), {
    what: 'the guest to be frozen',
  });
  agent.kill('SIGKILL');
  await agent.exit();
  await agent.restart();
  await waitForRecord(world, instance, ({ wish_count }) => wish_count === 1);
  expect(await find('killed')).toMatchObject({ instance });
  expect((await inGuest(instance, 'cat /tmp/actions')).split('\n').at(-1)).toBe('thaw');
  expect(await readdir(frozen)).toEqual([]);
  expect(await leftovers()).toEqual([]);
});

test('a host without room: the snapshot fails, the guest goes on, and nothing is left; with room it is taken', async () => {
  const instance = await boot();
  await inGuest(instance, `dd if=/dev/urandom of=/dev/vda bs=1M seek=600 count=24 conv=notrunc,fsync 2>/dev/null`);
  const qemu = await qemusOf(instance);
  const files = (await readdir(images)).toSorted();
  const filler = join(world.dir.path, 'agent', 'state', 'images', 'filler');
  const fill = async (leftBytes: number): Promise<void> => {
    await rm(filler, { force: true });
    const { bavail, bsize } = await statfs(images);
    await writeFile(filler, Buffer.alloc(bavail * bsize - leftBytes));
  };
  await fill(8 * MIB);
  expect((await snapshot(instance, 'full')).errors).toMatchObject([
    { details: { fault: { code: 'ECOMPUTE_IMAGE_NO_SPACE' } } },
  ]);
  // Room for what the guest has written, but not for the tables of the image.
  const { stdout } = await runCommand([
    'qemu-img',
    'info',
    '-U',
    '--output=json',
    '--backing-chain',
    join(agent.stateDir, 'disks', `${instance}.img`),
  ]);
  const chain: { 'actual-size': number }[] = JSON.parse(stdout);
  await fill(chain.reduce((sum, file) => sum + file['actual-size'], 0) + 4096);
  const { errors } = await snapshot(instance, 'full');
  expect(errors).toMatchObject([{ details: { fault: { code: 'ECOMPUTE_SNAPSHOT_FAILED' } } }]);
  expect(errors[0]?.message).toMatch(/No space left/);
  await rm(filler);
  expect((await readdir(images)).toSorted()).toEqual(files);
  expect(await qemusOf(instance)).toEqual(qemu);
  expect((await snapshot(instance, 'full')).errors).toEqual([]);
});
