/** Real guests that get another disk, or another size. */
import { appendFile, chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createCloud, type Cloud } from '@etcd-compute/cloud';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { buildGuestImage, type GuestImage } from '@etcd-compute/testing/guest-image';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { qemusOf } from '@etcd-compute/testing/qemu-processes';
import { runCommand } from '@etcd-compute/testing/run-command';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  askToDestroy,
  boot,
  findRecord,
  heldBy,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../integration/fixtures/agent-world.js';
import { runInGuest } from './guest-shell.js';

const CACHE = join(import.meta.dirname, '../../.cache');
const SECTOR = 512;

let world: World;
let libvirtd: LibvirtDaemon;
let agent: Ecompute;
let cloud: Cloud;
let guest: GuestImage;
const booted: InstanceUuid[] = [];

/** The tiny guest's, with a sector at its end that says which one it is. */
const serveImage = async (label: string, format: 'raw' | 'qcow2'): Promise<void> => {
  const raw = join(world.dir.path, `${label}.raw`);
  await copyFile(guest.path, raw);
  await appendFile(raw, Buffer.alloc(SECTOR, label.padEnd(SECTOR, ' ')));
  const path = format === 'raw' ? raw : join(world.dir.path, `${label}.qcow2`);
  if (format === 'qcow2') await runCommand(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, path]);
  world.images.setFile(label, path);
};

beforeAll(async () => {
  world = await startWorld();
  // Guests run as another user, who must reach their disks.
  await chmod(world.dir.path, 0o755);
  const [dir, agentDir] = [join(world.dir.path, 'v'), join(world.dir.path, 'agent')];
  await Promise.all([mkdir(dir), mkdir(agentDir)]);
  guest = await buildGuestImage(CACHE);
  await serveImage('first-disk', 'raw');
  await serveImage('second-disk', 'qcow2');
  libvirtd = await startLibvirtd({ dir });
  agent = await world.startAgent({
    dir: agentDir,
    beside: libvirtd,
    // A copy has the format of its image.
    config: {
      libvirt: { uri: libvirtd.uri },
      inventory: { VCPU: { allocation_ratio: 100 } },
      disks: { mode: 'copy' },
      timeouts: { guest_shutdown: 20 },
    },
  });
  cloud = createCloud({ store: world.store, capacity: world.capacity });
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

const WAIT = { waitMs: 300_000 };

const bootToAddress = async (image = 'first-disk'): Promise<InstanceRecord> => {
  const resources = { VCPU: 1, DISK_GB: 1, MEMORY_MB: 128 };
  const instance = await boot(world, agent.uuid, { image: world.images.url(image), resources });
  booted.push(instance);
  return toAddress(instance);
};

const toAddress = async (instance: InstanceUuid): Promise<InstanceRecord> =>
  waitForRecord(world, instance, ({ addresses }) => addresses.length > 0);

const inGuest = async (instance: InstanceUuid, command: string): Promise<string> =>
  runInGuest(libvirtd.uri, instance, command);

/** What stands on the disk at the end of the image, or a few sectors after it. */
const readDisk = async (instance: InstanceUuid, after = 0): Promise<string> => {
  const sector = guest.sizeBytes / SECTOR + after;
  return (await inGuest(instance, `dd if=/dev/vda bs=512 count=1 skip=${sector} 2>/dev/null | tr -d '\\000'`)).trim();
};

describe('rebuild', () => {
  test('a guest boots from the new disk, of another format, and has its old address', async () => {
    const { instance, addresses } = await bootToAddress();
    expect(await readDisk(instance)).toBe('first-disk');
    await inGuest(instance, `echo spoiled | dd of=/dev/vda bs=512 seek=${guest.sizeBytes / SECTOR + 8}; sync`);
    expect(await readDisk(instance, 8)).toBe('spoiled');
    const image = world.images.url('second-disk');
    expect(await cloud.ask('rebuild', [instance], { args: { image }, ...WAIT })).toMatchObject({ errors: [] });
    expect(await toAddress(instance)).toMatchObject({ state: 'active', image, addresses, fault: null });
    expect(await readDisk(instance)).toBe('second-disk');
    expect(await readDisk(instance, 8)).toBe('');
  });

  test('without its image, a guest runs on; one that is off stays off', async () => {
    const { instance, image } = await bootToAddress();
    const before = await qemusOf(instance);
    const failed = await cloud.ask('rebuild', [instance], { args: { image: world.images.url('none') }, ...WAIT });
    expect(failed).toMatchObject({ errors: [{ code: 'ECOMPUTE_WISH_FAILED' }] });
    expect(await qemusOf(instance)).toEqual(before);
    expect(await findRecord(world, instance)).toMatchObject({ state: 'active', image });
    await cloud.ask('stop', [instance], { args: { hard: true }, ...WAIT });
    expect(await cloud.ask('rebuild', [instance], WAIT)).toMatchObject({ errors: [] });
    expect(await findRecord(world, instance)).toMatchObject({ state: 'stopped' });
    expect(await qemusOf(instance)).toEqual([]);
  });
});

/** What the guest sees. */
const sizeIn = async (instance: InstanceUuid): Promise<{ vcpus: number; memoryMiB: number; diskGiB: number }> => {
  const said = await inGuest(
    instance,
    "grep -c ^processor /proc/cpuinfo; sed -n 's/MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo; cat /sys/class/block/vda/size",
  );
  const [vcpus = 0, memoryKiB = 0, sectors = 0] = said.split('\n').map(Number);
  return { vcpus, memoryMiB: memoryKiB / 1024, diskGiB: (sectors * SECTOR) / 2 ** 30 };
};

describe('resize', () => {
  test.each(['first-disk', 'second-disk'])(
    'a guest on the copy of %s sees its processors, memory and disk, and keeps what is on it',
    async (label) => {
      const { instance, addresses } = await bootToAddress(label);
      const before = await sizeIn(instance);
      expect(before).toMatchObject({ vcpus: 1, diskGiB: 1 });
      await inGuest(instance, `echo kept | dd of=/dev/vda bs=512 seek=${guest.sizeBytes / SECTOR + 8}; sync`);
      const size = { vcpus: 2, memory_mib: 256, disk_gib: 2 };
      const resources = { VCPU: 2, MEMORY_MB: 256, DISK_GB: 2 };
      const running = await cloud.ask('resize', [instance], { args: size }).catch((err: unknown) => err);
      expect(running).toMatchObject({ code: 'ECOMPUTE_WISH_REFUSED', message: expect.stringContaining('runs') });
      const restart = { args: { ...size, restart: true }, ...WAIT };
      expect(await cloud.ask('resize', [instance], restart)).toMatchObject({ errors: [] });
      expect(await toAddress(instance)).toMatchObject({ state: 'active', resources, addresses, fault: null });
      const after = await sizeIn(instance);
      expect(after).toMatchObject({ vcpus: 2, diskGiB: 2 });
      expect(after.memoryMiB - before.memoryMiB).toBeGreaterThan(100);
      expect(await readDisk(instance, 8)).toBe('kept');
      expect(await heldBy(world, instance)).toMatchObject({ [agent.uuid]: { resources } });
    },
  );
});
