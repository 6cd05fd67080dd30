/** Disks and interfaces that real guests get and lose while they run, and while they are off. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCloud, type Cloud } from '@etcd-compute/cloud';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { newDiskUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { connect } from '@etcd-compute/libvirt/connection';
import { DomainXMLFlags } from '@etcd-compute/libvirt/constants';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { qemusOf } from '@etcd-compute/testing/qemu-processes';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
import { echoGuestDisk } from './echo-guest.js';
import { runInGuest } from './guest-shell.js';

const CACHE = join(import.meta.dirname, '../../.cache');
const GUEST = { VCPU: 1, DISK_GB: 1, MEMORY_MB: 128 };
const WAIT = { waitMs: 120_000 };

let world: World;
let libvirtd: LibvirtDaemon;
let cloud: Cloud;

beforeAll(async () => {
  world = await startWorld();
  await chmod(world.dir.path, 0o755);
  const dir = join(world.dir.path, 'v');
  await mkdir(dir);
  world.images.setFile('guest', (await buildGuestImage(CACHE)).path);
  libvirtd = await startLibvirtd({ dir });
  cloud = createCloud({ store: world.store, capacity: world.capacity });
});
afterAll(async () => {
  await libvirtd.stop();
  await world[Symbol.asyncDispose]();
});

const startAgent = async (machine: string, unplug = 20): Promise<Ecompute> => {
  const dir = join(world.dir.path, `${machine}-${unplug}`);
  await mkdir(dir);
  return world.startAgent({
    dir,
    beside: libvirtd,
    config: {
      libvirt: { uri: libvirtd.uri },
      guests: { machine },
      disks: { pool: `disks-${machine}-${unplug}` },
      network: { cidr: '10.45.0.0/28' },
      networks: [{ name: 'storage', cidr: '10.46.0.0/28' }],
      timeouts: { unplug },
      period: 2,
    },
  });
};

const inGuest = async (instance: InstanceUuid, command: string): Promise<string> =>
  runInGuest(libvirtd.uri, instance, command);

/** The system in the guest takes a moment to see what is plugged in. */
const untilThere = (device: string): string => `until [ -e /sys/class/${device} ]; do sleep 1; done;`;

const recordOf = async (instance: InstanceUuid): Promise<InstanceRecord> => {
  const record = await findRecord(world, instance);
  if (!record) throw new Error(`instance ${instance} has no record`);
  return record;
};

const networksOf = ({ nics }: InstanceRecord): string[] => (nics ?? []).map(({ network }) => network);

const portsOf = async (network: string): Promise<string> =>
  (await libvirtd.netnsExec(['nft', 'list', 'table', 'bridge', `ecompute-${network}`])).stdout;

test.each(['pc', 'q35'])(
  'a guest on a %s gets a disk and an interface while it runs, and lets them go',
  async (machine) => {
    await using agent = await startAgent(machine);
    const instance = await boot(world, agent.uuid, { image: world.images.url('guest'), resources: GUEST });
    const { addresses } = await waitForRecord(world, instance, (record) => record.addresses.length > 0);
    const before = await qemusOf(instance);

    const disk = newDiskUuid();
    const args = { disk, size_gib: 2 };
    expect(await cloud.ask('add-disk', [instance], { args, ...WAIT })).toMatchObject({ errors: [] });
    const resources = { ...GUEST, DISK_GB: 3 };
    const disks = [{ uuid: disk, size_gib: 2 }];
    expect(await recordOf(instance)).toMatchObject({ state: 'active', resources, disks, addresses, fault: null });
    expect(await heldBy(world, instance)).toMatchObject({ [agent.uuid]: { resources } });
    const sectors = `${untilThere('block/vdc')} cat /sys/class/block/vdc/size /sys/class/block/vdc/serial; echo`;
    expect((await inGuest(instance, sectors)).split('\n')).toEqual(['4194304', disk.slice(0, 20)]);

    expect(await cloud.ask('add-nic', [instance], { args: { network: 'storage' }, ...WAIT })).toMatchObject({
      errors: [],
    });
    expect(networksOf(await recordOf(instance))).toEqual(['ecompute', 'storage']);
    expect(await portsOf('storage')).toContain('10.46.0.2');
    await inGuest(instance, `${untilThere('net/eth1')} ip link set eth1 up; udhcpc -i eth1 -q -n -t 20`);
    const both = await waitForRecord(world, instance, (record) => record.addresses.length === 2);
    expect(both.addresses).toMatchObject([{ address: '10.45.0.2' }, { address: '10.46.0.2', source: 'lease' }]);

    expect(await cloud.ask('remove-nic', [instance], { args: { network: 'storage' }, ...WAIT })).toMatchObject({
      errors: [],
    });
    await waitForRecord(world, instance, (record) => record.addresses.length === 1);
    expect(networksOf(await recordOf(instance))).toEqual(['ecompute']);
    expect(await portsOf('storage')).not.toContain('10.46.0.2');
    expect(await cloud.ask('remove-disk', [instance], { args: { disk }, ...WAIT })).toMatchObject({ errors: [] });
    expect(await recordOf(instance)).toMatchObject({ resources: GUEST, disks: [] });
    expect(await heldBy(world, instance)).toMatchObject({ [agent.uuid]: { resources: GUEST } });
    expect(await inGuest(instance, 'ls /sys/class/block /sys/class/net | grep -cE "vdc|eth1"')).toBe('0');
    expect(await qemusOf(instance)).toEqual(before);

    await askToDestroy(world, agent.uuid, instance);
    await waitForState(world, instance, 'deleted');
  },
);

test('no system runs in a guest that could let its disk go: it keeps it whole, until it is stopped', async () => {
  await using agent = await startAgent('pc', 3);
  const path = join(world.dir.path, 'echo.raw');
  await writeFile(path, echoGuestDisk());
  world.images.setFile('echo', path);
  const instance = await boot(world, agent.uuid, { image: world.images.url('echo'), resources: GUEST });
  await waitForState(world, instance, 'active');
  const args = { disk: newDiskUuid() };
  expect(await cloud.ask('add-disk', [instance], { args: { ...args, size_gib: 1 }, ...WAIT })).toMatchObject({
    errors: [],
  });
  expect(await cloud.ask('remove-disk', [instance], { args, ...WAIT })).toMatchObject({ errors: [{}] });
  const { outcomes, ...record } = await recordOf(instance);
  expect(outcomes.at(-1)).toMatchObject({ fault: { code: 'ECOMPUTE_DEVICE_NOT_RELEASED' } });
  const resources = { ...GUEST, DISK_GB: 2 };
  expect(record).toMatchObject({ state: 'active', resources, disks: [{ uuid: args.disk }], fault: null });
  expect(await heldBy(world, instance)).toMatchObject({ [agent.uuid]: { resources } });
  await using connection = await connect(libvirtd.uri);
  await using domain = await connection.domainLookupByUUID(instance);
  for (const flags of [0, DomainXMLFlags.INACTIVE]) expect(await domain.getXMLDesc(flags)).toContain(args.disk);

  await cloud.ask('stop', [instance], { args: { hard: true }, ...WAIT });
  expect(await cloud.ask('remove-disk', [instance], { args, ...WAIT })).toMatchObject({ errors: [] });
  expect(await recordOf(instance)).toMatchObject({ state: 'stopped', resources: GUEST, disks: [] });
  expect(await domain.getXMLDesc()).not.toContain(args.disk);
  await askToDestroy(world, agent.uuid, instance);
  await waitForState(world, instance, 'deleted');
});
