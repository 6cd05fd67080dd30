import { join } from 'node:path';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  allocateByHand,
  askToDestroy,
  boot,
  bootMessage,
  findRecord,
  heldBy,
  hostOf,
  makeAgentRelist,
  SMALL,
  startWorld,
  waitForState,
  type World,
} from '../fixtures/agent-world.js';

/** The original's messages, put with etcdctl as its scheduler would put them, and what must not hurt an agent. */
/** Far longer than a destroy may take. */
const IMAGE_STALL_SECONDS = 100;

let world: World;
let agent: Ecompute;

beforeAll(async () => {
  world = await startWorld();
  agent = await world.startAgent({ config: { period: 1, timeouts: { image_stall: IMAGE_STALL_SECONDS } } });
});

afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const requestKey = (instance: string): string => `/hosts/${agent.uuid}/${instance}`;

describe('the original’s messages', () => {
  test('boot: a hand-made allocation and message become an active instance with an address in /booted', async () => {
    const instance = newInstanceUuid();
    await allocateByHand(world, instance, { [agent.uuid]: { resources: SMALL } });
    const message = { ...bootMessage(agent.uuid, { instance, image: world.imageUrl }), mappings: { '': [agent.uuid] } };
    const value = JSON.stringify(message);
    await world.etcdctl('put', requestKey(instance), value);

    const record = await waitForState(world, instance, 'active');
    expect(record).toMatchObject({ host: agent.uuid, resources: SMALL, image: world.imageUrl, fault: null });
    const address = await waitFor(
      async () => (await world.etcdctl('get', '--print-value-only', `/booted/${instance}`)).trim() || undefined,
      { what: `/booted/${instance}` },
    );
    expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(await findRecord(world, instance)).toMatchObject({ addresses: [{ address, source: 'lease' }] });
    // The wish is the scheduler's: the agent has not rewritten it.
    expect((await world.etcdctl('get', '--print-value-only', requestKey(instance))).trim()).toBe(value);
  });

  test('destroy: request, address, domain and allocation go; the record stays for a while, under a lease', async () => {
    const instance = await boot(world, agent.uuid);
    await waitForState(world, instance, 'active');
    await waitFor(async () => world.store.get(world.keys.booted(instance)), { what: 'an address' });
    const held = await world.request('GET', `/allocations/${instance}`);
    const message = { ...Object(held), allocations: {}, instance, image: null };
    await world.etcdctl('put', requestKey(instance), JSON.stringify(message));

    await waitForState(world, instance, 'deleted');
    const [request, booted, record] = (
      await world.store.getMany([
        requestKey(instance),
        world.keys.booted(instance),
        world.keys.report(hostOf(agent), instance),
      ])
    ).entries;
    expect([request, booted]).toEqual([undefined, undefined]);
    expect(record?.lease).not.toBe('0');
    expect(await heldBy(world, instance)).toEqual({});
  });

  test('destroy: an instance that was never booted goes too, and its uuid may be booted again', async () => {
    const instance = newInstanceUuid();
    await askToDestroy(world, agent.uuid, instance);
    await waitForState(world, instance, 'deleted');
    expect(await world.store.get(requestKey(instance))).toBeUndefined();

    await boot(world, agent.uuid, { instance });
    const record = await waitForState(world, instance, 'active');
    expect(record.transitions.map(({ state }) => state)).toEqual(['scheduled', 'building', 'active']);
    expect((await world.store.get(world.keys.report(hostOf(agent), instance)))?.lease).toBe('0');
  });
});

describe('destroy while building', () => {
  test('ends a download that hangs at once, long before its timeout, and undoes the build', async () => {
    world.images.setFile('hanging', join(world.dir.path, 'tiny.raw'));
    world.images.setFault('hanging', 'hang');
    const startedAt = performance.now();
    const instance = await boot(world, agent.uuid, { image: world.images.url('hanging') });
    await waitFor(() => world.images.requests.some(({ name }) => name === 'hanging'), { what: 'the download' });
    await askToDestroy(world, agent.uuid, instance);
    const record = await waitForState(world, instance, 'deleted');
    expect(performance.now() - startedAt).toBeLessThan(IMAGE_STALL_SECONDS * 1000);
    expect(record.transitions.map(({ state }) => state)).toEqual(['scheduled', 'building', 'deleting', 'deleted']);
    expect(record.fault).toBeNull();
    expect(await heldBy(world, instance)).toEqual({});
  });
});

describe('what is not a boot request', () => {
  test.each([
    ['text that is not JSON', () => 'hello', 'is not JSON'],
    ['JSON of another shape', () => '{"instance": 1}', 'allocations: '],
    [
      'a message of another instance',
      () => JSON.stringify(bootMessage(agent.uuid, { image: world.imageUrl })),
      'instance: ',
    ],
  ])('%s is logged once with its key, stays, and hurts nobody', async (_what, makeValue, reason) => {
    const instance = newInstanceUuid();
    const value = makeValue();
    await world.etcdctl('put', requestKey(instance), value);
    const next = await boot(world, agent.uuid);
    await waitForState(world, next, 'active');
    const isAbout = (line: { [field: string]: unknown }): boolean => line['etcdKey'] === requestKey(instance);
    const line = await agent.waitForLog('boot request or record not understood, left as it is', isAbout);
    expect(JSON.stringify(line['err'])).toContain(reason);

    await makeAgentRelist(world, agent);
    expect((await agent.readLog()).filter(isAbout)).toHaveLength(1);
    expect((await world.store.get(requestKey(instance)))?.value).toBe(value);
    expect(await findRecord(world, instance)).toBeUndefined();
    await world.etcdctl('del', requestKey(instance));
  });

  test.each(['not-a-uuid', `${newInstanceUuid()}/more`, newInstanceUuid().toUpperCase()])(
    'a foreign key %s under the host is logged once and left alone',
    async (name) => {
      await world.etcdctl('put', requestKey(name), '{}');
      const isAbout = (line: { [field: string]: unknown }): boolean => line['etcdKey'] === requestKey(name);
      await agent.waitForLog('key is no boot request, left as it is', isAbout);
      await makeAgentRelist(world, agent);
      expect((await agent.readLog()).filter(isAbout)).toHaveLength(1);
      expect(await world.store.get(requestKey(name))).toBeDefined();
      await world.etcdctl('del', requestKey(name));
    },
  );

  test('a deleted request leaves the guest alone: nothing was asked', async () => {
    const instance = await boot(world, agent.uuid);
    await waitForState(world, instance, 'active');
    await world.etcdctl('del', requestKey(instance));
    const next = await boot(world, agent.uuid);
    await waitForState(world, next, 'active');
    expect(await findRecord(world, instance)).toMatchObject({ state: 'active' });
    await agent.waitForLog(
      'domain or disk without a boot request, left as it is',
      (line) => line['instanceUuid'] === instance,
    );
  });
});

describe('a request under the wrong host', () => {
  test('is refused, and the allocation elsewhere stays, also when it is destroyed here', async () => {
    const other = newProviderUuid();
    await world.request('POST', '/resource_providers', { uuid: other, name: other });
    await world.request('PUT', `/resource_providers/${other}/inventories`, {
      inventories: { VCPU: { total: 4 }, MEMORY_MB: { total: 4096 }, DISK_GB: { total: 10 } },
      resource_provider_generation: 0,
    });
    const instance = newInstanceUuid();
    await allocateByHand(world, instance, { [other]: { resources: SMALL } });
    await world.etcdctl(
      'put',
      requestKey(instance),
      JSON.stringify(bootMessage(other, { instance, image: world.imageUrl })),
    );
    const record = await waitForState(world, instance, 'error');
    expect(record.fault).toMatchObject({
      code: 'ECOMPUTE_REQUEST_INVALID',
      message: 'the boot request allocates nothing on this host',
      retryable: false,
    });
    await makeAgentRelist(world, agent);
    expect((await findRecord(world, instance))?.updated_at).toBe(record.updated_at);

    await askToDestroy(world, agent.uuid, instance);
    await waitForState(world, instance, 'deleted');
    expect(await heldBy(world, instance)).toMatchObject({ [other]: { resources: SMALL } });
  });
});
