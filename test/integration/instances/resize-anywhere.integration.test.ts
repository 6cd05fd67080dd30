/** `resize --host-change`, between two agents on libvirt's test driver. */
import { createCloud, type Cloud } from '@etcd-compute/cloud';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import { totalResources } from '@etcd-compute/common/capacity/candidate';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { heldBy, startWorld, type World } from '../fixtures/agent-world.js';

let world: World;
let capacity: Capacity;
let cloud: Cloud;
let agents: readonly Ecompute[];
/** Of each host. */
let vcpus: number;

const WAIT = { waitMs: 60_000 };

beforeAll(async () => {
  world = await startWorld();
  capacity = world.capacity;
  cloud = createCloud({ store: world.store, capacity });
  agents = await Promise.all(
    ['here', 'there'].map(async (name) =>
      world.startAgent({
        config: {
          name,
          traits: [`CUSTOM_${name.toUpperCase()}`],
          inventory: { VCPU: { allocation_ratio: 1 } },
          images: { allow_private: ['127.0.0.1'] },
          period: 1,
        },
      }),
    ),
  );
  vcpus = (await cloud.hosts.list())[0]?.resources['VCPU']?.total ?? 0;
});
afterEach(async () => {
  const { instances } = await cloud.list();
  await cloud.destroy(
    instances.map(({ instance }) => instance),
    WAIT,
  );
});
afterAll(async () => {
  for (const agent of agents) await agent[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const boot = async (VCPU: number, trait?: string): Promise<InstanceUuid> => {
  const resources = { VCPU, MEMORY_MB: 64, DISK_GB: 1 };
  const want = { resources, ...(trait !== undefined && { required: [trait] }) };
  const { booted, errors } = await cloud.boot({ want, image: world.imageUrl, ...WAIT });
  expect(errors).toEqual([]);
  return instanceUuidSchema.parse(booted[0]?.instance.instance);
};

/** On a host that has no more room for processors than its own. */
const bootOnFullHost = async (): Promise<{ instance: InstanceUuid; host: string | null }> => {
  const instance = await boot(1);
  const { hostName } = await cloud.get(instance);
  await boot(vcpus - 1, `CUSTOM_${hostName?.toUpperCase()}`);
  return { instance, host: hostName };
};

const held = async (instance: InstanceUuid) => totalResources((await capacity.read(instance)).allocations);

test('goes to a host with room when its own has none, with the new amounts, and runs again', async () => {
  const { instance, host } = await bootOnFullHost();
  const args = { vcpus: 2, disk_gib: 2, restart: true };
  const { instances, errors } = await cloud.resize([instance], { args, ...WAIT });
  expect(errors).toEqual([]);
  const resources = { VCPU: 2, MEMORY_MB: 64, DISK_GB: 2 };
  const there = host === 'here' ? 'there' : 'here';
  expect(instances).toMatchObject([{ instance, state: 'active', hostName: there, resources, fault: null }]);
  expect(await held(instance)).toEqual(resources);
  expect((await cloud.audit()).findings).toEqual([]);
});

test('stays on its host when that has room', async () => {
  const instance = await boot(1);
  const { hostName } = await cloud.get(instance);
  const { instances } = await cloud.resize([instance], { args: { vcpus: 2, restart: true }, ...WAIT });
  expect(instances).toMatchObject([{ state: 'active', hostName, resources: { VCPU: 2 } }]);
  expect((await cloud.get(instance)).transitions.map(({ state }) => state)).not.toContain('shelved');
});

test('one that no host has room for is as it was, and was not shelved', async () => {
  const { instance, host } = await bootOnFullHost();
  await boot(vcpus, host === 'here' ? 'CUSTOM_THERE' : 'CUSTOM_HERE');
  const { errors } = await cloud.resize([instance], { args: { vcpus: 2, restart: true }, ...WAIT });
  expect(errors).toMatchObject([{ code: 'ECOMPUTE_NO_CANDIDATES' }]);
  const { state, hostName, resources, transitions } = await cloud.get(instance);
  expect({ state, hostName, vcpus: resources['VCPU'] }).toEqual({ state: 'active', hostName: host, vcpus: 1 });
  expect(transitions.map((one) => one.state)).not.toContain('shelved');
});

test('when the room is taken while it is shelved, it comes back with what it had', async () => {
  const { instance } = await bootOnFullHost();
  const quicker = createCloud({
    store: world.store,
    capacity: {
      ...capacity,
      reallocate: async (consumer, change) =>
        totalResources(change.allocations)['VCPU'] === 2
          ? { outcome: 'no-room', err: new Error('taken on purpose') }
          : capacity.reallocate(consumer, change),
    },
  });
  const { errors, instances } = await quicker.resize([instance], { args: { vcpus: 2, restart: true }, ...WAIT });
  expect(errors).toMatchObject([
    { code: 'ECOMPUTE_NO_CANDIDATES', message: expect.stringContaining('taken meanwhile') },
  ]);
  expect(instances).toMatchObject([{ state: 'active', resources: { VCPU: 1 } }]);
  expect(await held(instance)).toMatchObject({ VCPU: 1 });
  expect(Object.keys(await heldBy(world, instance))).toHaveLength(1);
  expect((await cloud.audit()).findings).toEqual([]);
});
