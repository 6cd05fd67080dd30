import { fitRoom } from '@etcd-compute/agent/steps/claim-room';
import type { Step } from '@etcd-compute/agent/steps/step';
import type { InstanceReconciler } from '@etcd-compute/agent/instances/reconcile';
import type { ChangeRoom } from '@etcd-compute/agent/kinds/kind';
import { TASKS } from '@etcd-compute/agent/kinds/tasks';
import { EcomputeError } from '@etcd-compute/common/errors';
import { getInventories } from '@etcd-compute/common/placement/resource-providers';
import type { FurtherDisk } from '@etcd-compute/common/etcd/messages/disks';
import { newDiskUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { askToDestroy, boot, findRecord, heldBy } from '../fixtures/agent-world.js';
import { hasPlacementService } from '../fixtures/counting.js';
import { settle, startReconcilerWorld, type ReconcilerWorld } from '../fixtures/reconciler-world.js';

let world: ReconcilerWorld;
let instance: InstanceUuid;
beforeAll(async () => {
  world = await startReconcilerWorld();
});
afterEach(async () => {
  await askToDestroy(world, world.host, instance);
  await settle(await world.startReconciler(), instance);
  await world.expectGone(instance);
});
afterAll(async () => world[Symbol.asyncDispose]());

/** The root disk has 3 GiB of 8 then. */
const FURTHER = [{ uuid: newDiskUuid(), size_gib: 5 }];
const OLD = { VCPU: 1, DISK_GB: 1, MEMORY_MB: 64 };

const bootActive = async (resources = OLD, disks: readonly FurtherDisk[] = []): Promise<void> => {
  instance = await boot(world, world.host, { resources, disks });
  await settle(await world.startReconciler(), instance);
};

/** Asks, and has the agent do what it does about it. */
const resize = async (args: object, tasks = TASKS): Promise<void> => {
  await world.ask(instance, { kind: 'resize', count: 1, args });
  await settle(await world.startReconciler(tasks), instance);
  await world.expectTrueRecord(instance);
};

test.each([
  ['more than the host has', { vcpus: 5000, restart: true }, 'ECOMPUTE_HOST_FULL'],
  ['a restart that nobody allowed', { vcpus: 2 }, 'ECOMPUTE_WISH_REFUSED'],
])('%s is refused, and the guest runs as before', async (_what, args, code) => {
  await bootActive();
  const { domains } = await world.whatExists();
  await resize(args);
  const outcomes = [{ kind: 'resize', fault: { code } }];
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active', resources: OLD, outcomes });
  expect((await world.whatExists()).domains).toEqual(domains);
});

test('a disk does not shrink, whatever further disks there are', async () => {
  const resources = { ...OLD, DISK_GB: 8 };
  await bootActive(resources, FURTHER);
  await resize({ disk_gib: 2, restart: true });
  const outcomes = [{ fault: { code: 'ECOMPUTE_WISH_REFUSED', message: expect.stringContaining('cannot shrink') } }];
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active', resources, outcomes });
});

test('the root disk grows, and the further ones stay as they are', async () => {
  await bootActive({ ...OLD, DISK_GB: 8 }, FURTHER);
  await resize({ disk_gib: 4, restart: true });
  const record = await findRecord(world, instance);
  expect(record).toMatchObject({ state: 'active', resources: { ...OLD, DISK_GB: 9 }, disks: FURTHER });
});

test('an emulated guest, which is started paused, is let go before room is given back', async () => {
  await bootActive();
  const order: string[] = [];
  const steps = TASKS.resize.steps.map((step): Step => {
    const run: Step['run'] = async (...args) => {
      order.push(step.name);
      await step.run(...args);
    };
    return { ...step, run };
  });
  const room: ChangeRoom = (...args) => {
    order.push('room');
    return fitRoom(...args);
  };
  await resize({ vcpus: 2, restart: true }, { ...TASKS, resize: { ...TASKS.resize, steps, room } });
  expect(order).toEqual([...steps.map(({ name }) => name), 'room']);
  expect(order.slice(-3)).toEqual(['start-domain', 'resume-domain', 'room']);
});

test('fewer processors and less memory: the room is free afterwards, and not before', async () => {
  const resources = { VCPU: 4, DISK_GB: 1, MEMORY_MB: 256 };
  await bootActive(resources);
  let heldAtTurn: unknown;
  const steps = TASKS.resize.steps.map((step): Step => {
    const run: Step['run'] = async (...args) => {
      heldAtTurn = await heldBy(world, instance);
      await step.run(...args);
    };
    return step.name === 'grow-disk' ? { ...step, run } : step;
  });
  const args = { vcpus: 2, memory_mib: 128, restart: true };
  await resize(args, { ...TASKS, resize: { ...TASKS.resize, steps } });
  expect(heldAtTurn).toMatchObject({ [world.host]: { resources } });
  expect(await findRecord(world, instance)).toMatchObject({
    state: 'active',
    resources: { ...OLD, VCPU: 2, MEMORY_MB: 128 },
  });
});

test('what is as asked for already is left alone: nothing is restarted', async () => {
  await bootActive();
  const startsNothing = TASKS.resize.steps.map((step): Step => ({
    ...step,
    run: async () => Promise.reject(new Error('nothing is to be done')),
  }));
  await resize(
    { vcpus: 1, memory_mib: 64, disk_gib: 1 },
    { ...TASKS, resize: { ...TASKS.resize, steps: startsNothing } },
  );
  const outcomes = [{ kind: 'resize', fault: null }];
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active', resources: OLD, outcomes });
});

test('somebody else changes the allocation in the same moment: it is read again', async () => {
  await bootActive();
  const before = await world.capacity.read(instance);
  const steps = TASKS.resize.steps.map((step): Step => {
    let hasRead = false;
    const run: Step['run'] = async (deps, context) => {
      const capacity = {
        ...deps.capacity,
        read: async (consumer: InstanceUuid) => {
          const first = hasRead ? undefined : before;
          hasRead = true;
          return first ?? deps.capacity.read(consumer);
        },
      };
      const result = await deps.capacity.reallocate(instance, { held: before, allocations: before.allocations });
      if (result.outcome === 'allocated') await deps.capacity.settle(result.claim);
      await step.run({ ...deps, capacity }, context);
    };
    return step.name === 'claim-room' ? { ...step, run } : step;
  });
  const resources = { VCPU: 2, DISK_GB: 2, MEMORY_MB: 128 };
  const args = { vcpus: 2, memory_mib: 128, disk_gib: 2, restart: true };
  await resize(args, { ...TASKS, resize: { ...TASKS.resize, steps } });
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active', resources });
});

/** A resize that fails when its host has just been locked, as when it is drained. */
const failOnLockedHost = async (): Promise<InstanceReconciler> => {
  await bootActive();
  const steps = TASKS.resize.steps.map((step): Step => {
    const run = async (): Promise<void> => {
      await lockHost(true);
      throw new EcomputeError('ECOMPUTE_DISK_FAILED', 'failed on purpose');
    };
    return step.name === 'grow-disk' ? { ...step, run } : step;
  });
  const agent = await world.startReconciler({ ...TASKS, resize: { ...TASKS.resize, steps } });
  const args = { vcpus: 2, disk_gib: 2, restart: true };
  await world.ask(instance, { kind: 'resize', count: 1, args });
  return agent;
};
const expectTakenBack = async (): Promise<void> => {
  await world.expectTrueRecord(instance);
  const outcomes = [{ fault: { code: 'ECOMPUTE_DISK_FAILED' } }];
  expect(await findRecord(world, instance)).toMatchObject({ state: 'active', resources: OLD, outcomes, fault: null });
};

test.runIf(!hasPlacementService)('a host that is locked meanwhile gives back room all the same', async () => {
  const agent = await failOnLockedHost();
  await agent.activate(instance, new AbortController().signal);
  await expectTakenBack();
  expect(await heldBy(world, instance)).toMatchObject({ [world.host]: { resources: OLD } });
  await lockHost(false);
});

// Until March 2025, Placement let nobody hold less of what is full.
test.runIf(hasPlacementService)(
  'a host that is locked meanwhile: the guest is not held up, and the room is given back later',
  async () => {
    const agent = await failOnLockedHost();
    const refused = { code: 'ECOMPUTE_HOST_FULL' };
    await expect(agent.activate(instance, new AbortController().signal)).rejects.toMatchObject(refused);
    expect(await findRecord(world, instance)).toMatchObject({ state: 'active', wish_count: 0, fault: refused });
    expect((await world.whatExists()).domains).toEqual([`${instance} running`]);
    await lockHost(false);
    await settle(await world.startReconciler(), instance);
    await expectTakenBack();
  },
);

/** As an agent does that stops, or that is drained. */
const lockHost = async (isLocked: boolean): Promise<void> => {
  const { resource_provider_generation, inventories } = await getInventories(world.client, world.host);
  const total = inventories['VCPU']?.total ?? 0;
  await world.request('PUT', `/resource_providers/${world.host}/inventories`, {
    resource_provider_generation,
    inventories: { ...inventories, VCPU: { ...inventories['VCPU'], reserved: isLocked ? total : 0 } },
  });
};
