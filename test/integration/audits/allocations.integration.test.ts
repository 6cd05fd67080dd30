import { newInstanceUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { listProviderAllocations } from '@etcd-compute/common/placement/allocations';
import type { Ecompute, LogLine } from '@etcd-compute/testing/ecompute';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  allocateByHand,
  askToDestroy,
  boot,
  findRecord,
  heldBy,
  hostOf,
  SMALL,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../fixtures/agent-world.js';
import { hasPlacementService } from '../fixtures/counting.js';

/** The two audits, many requests at once, and servers that go away under an agent at work. */
let world: World;
let agent: Ecompute;

beforeAll(async () => {
  world = await startWorld();
  agent = await world.startAgent({
    config: { period: 0.3, audit: { grace: 2 }, inventory: { VCPU: { allocation_ratio: 100 } } },
  });
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const isAbout =
  (instance: InstanceUuid) =>
  (line: LogLine): boolean =>
    line['instanceUuid'] === instance;

/** Allocates on the agent's host for a consumer of the type. */
const allocateFor = async (consumerType: string): Promise<InstanceUuid> => {
  const consumer = newInstanceUuid();
  await world.request('PUT', `/allocations/${consumer}`, {
    allocations: { [agent.uuid]: { resources: SMALL } },
    user_id: 'u',
    project_id: 'p',
    consumer_generation: null,
    consumer_type: consumerType,
  });
  return consumer;
};

describe('the audit of allocations', () => {
  test('one without a request is released after the grace; others’ and those with a request stay', async () => {
    const active = await boot(world, agent.uuid);
    const failed = await boot(world, agent.uuid, { image: 'ftp://x' });
    const theirs = await allocateFor('MIGRATION');
    const orphan = await allocateFor('INSTANCE');
    expect(await heldBy(world, orphan)).not.toEqual({}); // it has its grace
    await agent.waitForLog('allocation without a boot request released', isAbout(orphan));
    // A second one takes the audit through the first's neighbours again.
    const second = await allocateFor('INSTANCE');
    await agent.waitForLog('allocation without a boot request released', isAbout(second));
    await waitForState(world, active, 'active');
    await waitForState(world, failed, 'error');
    const left = Object.keys(await listProviderAllocations(world.client, hostOf(agent)));
    expect(left.toSorted()).toEqual([active, theirs].toSorted());
  });

  test('one whose request comes within the grace is not touched', async () => {
    const instance = newInstanceUuid();
    await allocateByHand(world, instance, { [agent.uuid]: { resources: SMALL } });
    const orphan = await allocateFor('INSTANCE');
    const message = { allocations: { [agent.uuid]: { resources: SMALL } }, instance, image: world.imageUrl };
    await world.etcdctl('put', `/hosts/${agent.uuid}/${instance}`, JSON.stringify(message));
    await agent.waitForLog('allocation without a boot request released', isAbout(orphan));
    await waitForState(world, instance, 'active');
    expect(await heldBy(world, instance)).toMatchObject({ [agent.uuid]: { resources: SMALL } });
  });
});

describe('the audit of domains', () => {
  test('one without a request is reported once and stays, and its request can come back', async () => {
    const instance = await boot(world, agent.uuid);
    await waitForState(world, instance, 'active');
    const key = `/hosts/${agent.uuid}/${instance}`;
    const value = (await world.etcdctl('get', '--print-value-only', key)).trim();
    await world.etcdctl('del', key);
    await agent.waitForLog('domain or disk without a boot request, left as it is', isAbout(instance));
    const orphan = await allocateFor('INSTANCE'); // shows that periods have passed
    await agent.waitForLog('allocation without a boot request released', isAbout(orphan));
    const reports = (await agent.readLog()).filter((line) => line.msg.startsWith('domain or disk without'));
    expect(reports.filter(isAbout(instance))).toHaveLength(1);

    await world.etcdctl('put', key, value);
    await askToDestroy(world, agent.uuid, instance);
    await waitForState(world, instance, 'deleted');
  });

  test('is removed when the config says so', async () => {
    await using remover = await world.startAgent({
      config: { period: 0.3, audit: { grace: 1, remove_orphan_domains: true } },
    });
    const instance = await boot(world, remover.uuid);
    await waitForState(world, instance, 'active');
    await world.etcdctl('del', `/hosts/${remover.uuid}/${instance}`);
    await remover.waitForLog('domain or disk without a boot request removed', isAbout(instance));
    const orphan = await boot(world, remover.uuid);
    await waitForState(world, orphan, 'active'); // and what has a request is not
    expect(await findRecord(world, orphan)).toMatchObject({ state: 'active' });
  });
});

describe('thirty at once', () => {
  test('all become active with an address of their own, and all go at once too', async () => {
    const instances = await Promise.all(Array.from({ length: 30 }, async () => boot(world, agent.uuid)));
    const records = await Promise.all(
      instances.map(async (instance) =>
        waitForRecord(world, instance, ({ state, addresses }) => state === 'active' && addresses.length > 0),
      ),
    );
    expect(new Set(records.map(({ addresses }) => addresses[0]?.address)).size).toBe(30);
    await Promise.all(instances.map(async (instance) => askToDestroy(world, agent.uuid, instance)));
    await Promise.all(instances.map(async (instance) => waitForState(world, instance, 'deleted')));
    const { entries } = await world.store.list(`/hosts/${agent.uuid}/`);
    expect(entries.map(({ key }) => key).filter((key) => instances.some((instance) => key.includes(instance)))).toEqual(
      [],
    );
    for (const instance of instances) expect(await heldBy(world, instance)).toEqual({});
  });
});

describe('a server that goes away', () => {
  test.runIf(hasPlacementService)(
    'Placement while destroying: the record waits, says for what, and all goes when it is back',
    async () => {
      const instance = await boot(world, agent.uuid);
      await waitForState(world, instance, 'active');
      const held = await world.request('GET', `/allocations/${instance}`);
      await world.placement.kill('SIGKILL');
      const message = { ...Object(held), allocations: {}, instance, image: null };
      await world.etcdctl('put', `/hosts/${agent.uuid}/${instance}`, JSON.stringify(message));
      const waiting = await waitForRecord(world, instance, ({ fault }) => fault !== null);
      expect(waiting).toMatchObject({ state: 'deleting', fault: { code: 'ECOMPUTE_PLACEMENT_UNREACHABLE' } });
      await world.placement.restart();
      await waitForState(world, instance, 'deleted');
      expect(await heldBy(world, instance)).toEqual({});
    },
  );

  test('etcd, killed while twenty are built: all become active, each built once', async () => {
    const instances = await Promise.all(Array.from({ length: 20 }, async () => boot(world, agent.uuid)));
    await waitFor(async () => (await findRecord(world, instances[3] ?? newInstanceUuid()))?.state === 'active', {
      what: 'the first ones to be built',
    });
    await world.etcd.kill('SIGKILL');
    await world.etcd.restart();
    for (const instance of instances) await waitForState(world, instance, 'active');
    const started = (await agent.readLog()).filter(({ msg }) => msg === 'step finished').filter(isStart);
    for (const instance of instances) expect(started.filter(isAbout(instance)).length).toBeLessThanOrEqual(1);
    for (const instance of instances)
      expect(await heldBy(world, instance)).toMatchObject({ [agent.uuid]: { resources: SMALL } });
  });
});

const isStart = (line: LogLine): boolean => line['step'] === 'start-domain';
