import type { Step } from '@etcd-compute/agent/steps/step';
import { TASKS, type Tasks } from '@etcd-compute/agent/kinds/tasks';
import { EcomputeError } from '@etcd-compute/common/errors';
import { newDiskUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import type { ActionName } from '@etcd-compute/common/wishes/kinds';
import { connect } from '@etcd-compute/libvirt/connection';
import { DomainXMLFlags } from '@etcd-compute/libvirt/constants';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { editDomain } from '@etcd-compute/libvirt/xml/edit-domain';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { askToDestroy, boot, findRecord, heldBy } from '../fixtures/agent-world.js';
import { settle, startReconcilerWorld, type ReconcilerWorld } from '../fixtures/reconciler-world.js';

/** Disks and interfaces that instances get and lose, with libvirt's test driver: it has no hot plug. */
let world: ReconcilerWorld;
let instance: InstanceUuid;
let count = 0;
beforeAll(async () => {
  world = await startReconcilerWorld();
});
afterEach(async () => {
  await askToDestroy(world, world.host, instance);
  await settle(await world.startReconciler(), instance);
  await world.expectGone(instance);
});
afterAll(async () => world[Symbol.asyncDispose]());

const OLD = { VCPU: 1, DISK_GB: 1, MEMORY_MB: 64 };

const bootActive = async (): Promise<void> => {
  instance = await boot(world, world.host, { resources: OLD });
  count = 0;
  await settle(await world.startReconciler(), instance);
};

const askAmongOthers = async (kind: ActionName, args: object = {}, tasks = TASKS): Promise<void> => {
  count += 1;
  await world.ask(instance, { kind, count, args });
  await settle(await world.startReconciler(tasks), instance);
};
const ask: typeof askAmongOthers = async (...asked) => {
  await askAmongOthers(...asked);
  await world.expectTrueRecord(instance);
};

/** The tasks with a step of one of them that does something else. */
const withStep = (task: ActionName, name: string, run: (step: Step) => Step['run']): Tasks => ({
  ...TASKS,
  [task]: {
    ...TASKS[task],
    steps: TASKS[task].steps.map((step) => (step.name === name ? { ...step, run: run(step) } : step)),
  },
});
const failing = (): Step['run'] => async () => {
  throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', 'failed on purpose');
};

const networksOf = async (): Promise<unknown> =>
  (await findRecord(world, instance))?.nics?.map(({ network }) => network);

test('the guest of an instance that asked for no networks gets one more, and keeps those of its host', async () => {
  await bootActive();
  expect(await networksOf()).toEqual(['ecompute']);
  await ask('add-nic', { network: 'storage' });
  expect(await networksOf()).toEqual(['ecompute', 'storage']);
  await ask('remove-nic', { network: 'ecompute' });
  await ask('add-nic', { network: 'backup' });
  expect(await findRecord(world, instance)).toMatchObject({
    nics: [
      { slot: 1, network: 'storage' },
      { slot: 0, network: 'backup' },
    ],
  });
});

test('an address is free for others when its interface is gone, and not before', async () => {
  const bootOnStorage = async (): Promise<unknown> => {
    await bootActive();
    await askAmongOthers('add-nic', { network: 'storage' });
    return (await findRecord(world, instance))?.nics?.find(({ network }) => network === 'storage')?.mac;
  };
  const macs = [await bootOnStorage()];
  const first = instance;
  // Each is seen to by an agent that knows only what the domains have.
  macs.push(await bootOnStorage());
  await askToDestroy(world, world.host, first);
  await settle(await world.startReconciler(), first);
  await ask('remove-nic', { network: 'storage' });
  const second = instance;
  macs.push(await bootOnStorage());
  expect(macs).toEqual(['52:54:00:4e:00:02', '52:54:00:4e:00:03', '52:54:00:4e:00:02']);
  await askToDestroy(world, world.host, second);
  await settle(await world.startReconciler(), second);
});

test.each([
  ['add-disk', { disk: newDiskUuid(), size_gib: 100_000 }, 'ECOMPUTE_HOST_FULL'],
  ['add-nic', { network: 'nowhere' }, 'ECOMPUTE_WISH_REFUSED'],
  ['add-nic', { network: 'ecompute' }, 'ECOMPUTE_WISH_REFUSED'],
  ['remove-disk', { disk: newDiskUuid() }, 'ECOMPUTE_WISH_REFUSED'],
  ['remove-nic', { network: 'ecompute' }, 'ECOMPUTE_WISH_REFUSED'],
] as const)('%s %j: the outcome says why not, and the instance is as before', async (kind, args, code) => {
  await bootActive();
  const before = await world.whatExists();
  await ask(kind, args);
  expect(await findRecord(world, instance)).toMatchObject({
    state: 'active',
    resources: OLD,
    fault: null,
    outcomes: [{ fault: { code } }],
  });
  expect(await world.whatExists()).toEqual(before);
});

test('a guest that is paused stays paused when it cannot have a disk', async () => {
  await bootActive();
  await ask('pause');
  const args = { disk: newDiskUuid(), size_gib: 1 };
  await ask('add-disk', args, withStep('add-disk', 'attach-disk', failing));
  expect(await findRecord(world, instance)).toMatchObject({
    paused: 'user',
    disks: [],
    outcomes: [{}, { fault: { step: 'attach-disk' } }],
  });
  expect(await heldBy(world, instance)).toMatchObject({ [world.host]: { resources: OLD } });
});

test('a disk that its guest does not let go stays with all that is its own', async () => {
  await bootActive();
  const disk = newDiskUuid();
  await ask('add-disk', { disk, size_gib: 1 });
  await ask('remove-disk', { disk }, withStep('remove-disk', 'detach-disk', failing));
  const kept = { resources: { ...OLD, DISK_GB: 2 }, disks: [{ uuid: disk, size_gib: 1 }] };
  expect(await findRecord(world, instance)).toMatchObject({
    ...kept,
    outcomes: [{}, { fault: { step: 'detach-disk' } }],
  });
  await ask('remove-disk', { disk });
  expect(await findRecord(world, instance)).toMatchObject({ resources: OLD, disks: [] });
});

test('a new disk is made once, however often it is asked for', async () => {
  await bootActive();
  const args = { disk: newDiskUuid(), size_gib: 1 };
  await ask('add-disk', args);
  const { volumes } = await world.whatExists();
  await ask('add-disk', args, withStep('add-disk', 'create-added-disk', failing));
  expect(await findRecord(world, instance)).toMatchObject({
    resources: { ...OLD, DISK_GB: 2 },
    outcomes: [{}, { fault: null }],
  });
  expect((await world.whatExists()).volumes).toEqual(volumes);
});

test('a record of an earlier agent, which does not say the interfaces, is completed before anything is done about them', async () => {
  await bootActive();
  const key = world.keys.report(world.host, instance);
  const entry = await world.store.get(key);
  const { nics: _nics, ...record } = JSON.parse(entry?.value ?? '{}');
  await world.store.txn(
    [{ key, modRevision: entry?.modRevision ?? '0' }],
    [{ op: 'put', key, value: JSON.stringify(record) }],
  );
  await ask('add-nic', { network: 'backup' });
  expect(await findRecord(world, instance)).toMatchObject({
    nics: [
      { network: 'ecompute', mac: expect.any(String) },
      { network: 'backup', mac: expect.any(String) },
    ],
  });
});

test('a disk or an interface that somebody takes from the domain is missed, until it is back', async () => {
  await bootActive();
  const disk = newDiskUuid();
  await ask('add-disk', { disk, size_gib: 1 });
  await using connection = await connect('test:///default');
  const define = async (edit: (xml: string) => string): Promise<string> => {
    await using domain = await connection.domainLookupByUUID(instance);
    const xml = await domain.getXMLDesc(DomainXMLFlags.INACTIVE);
    await using _defined = await connection.domainDefineXML(edit(xml));
    return xml;
  };
  const whole = await define((xml) => {
    const { disks, interfaces } = parseDomain(xml);
    const [taken, card] = [disks.find(({ serial }) => serial === disk), interfaces[0]];
    if (!taken || !card) throw new Error('the domain has no such devices');
    return editDomain(editDomain(xml, { detach: { disk: taken } }), { detach: { interface: card } });
  });
  await settle(await world.startReconciler(), instance);
  const message = `the domain lacks disk ${disk}, the interface on the network 'ecompute'`;
  expect(await findRecord(world, instance)).toMatchObject({
    state: 'active',
    fault: { code: 'ECOMPUTE_DEVICE_MISSING', message },
  });
  await define(() => whole);
  await settle(await world.startReconciler(), instance);
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active', fault: null });
});
