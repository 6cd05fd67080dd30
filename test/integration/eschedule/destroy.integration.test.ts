import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasPlacementService } from '../fixtures/counting.js';
import { parseJson, startCloud, startPlacementFront, type TestCloud } from '../fixtures/eschedule-fixture.js';

/** `eschedule destroy` of what is on a host that is down, and in the moment of a boot; the test plays the agents. */
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

const bootOne = async (): Promise<InstanceUuid> => {
  const { code, stderr } = await cloud.eschedule(['boot', '--no-wait', '--name', 'web']);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { instance } = await cloud.waitForRequest();
  await cloud.report(instance, 'building', { session: null });
  await cloud.report(instance, 'active');
  await cloud.put(cloud.keys.booted(instance), '10.45.0.9');
  return instance;
};

const drop = async (key: string): Promise<string> => {
  const entry = await cloud.store.get(key);
  await cloud.store.txn([{ key, modRevision: entry?.modRevision ?? '0' }], [{ op: 'delete', key }]);
  return entry?.value ?? '';
};

/** An active instance on a host whose agent then goes away. */
const bootOnDownHost = async (): Promise<{ host: ProviderUuid; instance: InstanceUuid; presence: string }> => {
  const host = await cloud.addHost({ name: 'alpha' });
  const instance = await bootOne();
  return { host, instance, presence: await drop(cloud.keys.agent(host)) };
};

const listWorld = async (): Promise<string[]> => {
  const { entries } = await cloud.store.list('/');
  return [...entries.map(({ key, value }) => `${key} ${value}`), ...(await cloud.listAllocations())];
};

const GIVEN_UP = {
  state: 'deleted',
  addresses: [],
  transitions: expect.arrayContaining([
    expect.objectContaining({ state: 'deleting', reason: 'asked to be destroyed by force' }),
    expect.objectContaining({ state: 'deleted', reason: expect.stringMatching(/^given up by force while its host/) }),
  ]),
};

const expectGivenUp = async (host: ProviderUuid, instance: InstanceUuid): Promise<void> => {
  expect(await cloud.getRecord(instance)).toMatchObject(GIVEN_UP);
  const entry = await cloud.findReport(instance);
  expect(entry?.lease).not.toBe('0'); // it goes after an hour
  const [request] = await cloud.listRequests();
  expect(request).toMatchObject({ host, instance, value: { image: null } });
  expect(request?.value).toHaveProperty('allocations', {});
  expect(await cloud.listAllocations()).toEqual([]);
  expect(await cloud.store.get(cloud.keys.booted(instance))).toBeUndefined();
};

describe('destroy of what is on a host that is down', () => {
  test('writes the wish and says so; --wait ends with 4 and says what it waits for; twice is harmless', async () => {
    const { host, instance } = await bootOnDownHost();
    for (const time of ['first', 'again']) {
      const { code, stderr } = await cloud.eschedule(['destroy', 'web', '--wait', '--timeout', '0.3']);
      expect({ time, code }).toEqual({ time, code: 4 });
      expect(stderr).toContain(`will be destroyed when the agent of its host ${host} is back: that host is down`);
      expect(stderr).toContain(`instance ${instance} is not gone after 0.3 s: the agent of host ${host} is down`);
      expect(stderr).toContain('hint: the request is stored, and the agent carries it out when it is back');
    }
    expect(await cloud.listRequests()).toMatchObject([{ host, instance, value: { image: null } }]);
    expect(await cloud.allocationsOn(host)).toEqual([instance]);
    expect(await cloud.getRecord(instance)).toMatchObject({ state: 'active' });
    // What waits for its host to come back is as it should be.
    expect(await cloud.eschedule(['audit', '--fix', '--grace', '0.001'])).toMatchObject({ code: 0 });
  });
});

describe('destroy --force', () => {
  test('gives up what is on a host that is down, says what that means, and may be repeated', async () => {
    const { host, instance } = await bootOnDownHost();
    const { code, stderr } = await cloud.eschedule(['destroy', 'web', '--force', '--wait']);
    expect(code).toBe(0);
    expect(stderr).toContain(`web (${instance}) is given up, because its host ${host} is down: its room there is free`);
    expect(stderr).toContain('its guest may run on and its domain and disk stay until the agent of the host is back');
    await expectGivenUp(host, instance);
    expect(await cloud.eschedule(['destroy', instance, '--force'])).toMatchObject({ code: 0 });
    await expectGivenUp(host, instance);
    expect((await cloud.getRecord(instance)).transitions.filter(({ state }) => state === 'deleted')).toHaveLength(1);
    expect(await cloud.eschedule(['audit', '--fix', '--grace', '0.001'])).toMatchObject({ code: 0 });
    const { stdout } = await cloud.eschedule(['list', '--all', '-o', 'json']);
    expect(parseJson(stdout)).toMatchObject([{ instance, state: 'deleted' }]);
  });

  test('finishes a destroy that waits for its host', async () => {
    const { host, instance } = await bootOnDownHost();
    await cloud.eschedule(['destroy', 'web']);
    expect(await cloud.eschedule(['destroy', 'web', '--force'])).toMatchObject({ code: 0 });
    await expectGivenUp(host, instance);
  });

  test('is refused for a host that is up, or about to stop, and touches none of the others', async () => {
    for (const agent of ['up', 'draining'] as const) {
      const host = await cloud.addHost({ name: 'alpha' });
      const instance = await bootOne();
      if (agent === 'draining') {
        const presence = await drop(cloud.keys.agent(host));
        await cloud.put(cloud.keys.agent(host), presence.replace('"up"', '"draining"'));
      }
      const before = await listWorld();
      const { code, stderr } = await cloud.eschedule(['destroy', 'web', '--force']);
      expect(code).toBe(1);
      expect(stderr).toContain(`could not destroy instance ${instance} by force: its host alpha (${host}) is up`);
      expect(stderr).toContain(`; \`eschedule destroy ${instance}\``);
      expect(await listWorld()).toEqual(before);
      await cloud.reset();
    }
  });

  test('is refused where no agent of ours was ever seen: an original’s never shows that it is there', async () => {
    const host = await cloud.addHost({ name: 'alpha', agent: 'none' });
    const { stdout } = await cloud.eschedule(['resources=VCPU:1', 'http://images.example/a']);
    const [request] = await cloud.listRequests();
    expect(stdout).toContain(host);
    const before = await listWorld();
    const { code, stderr } = await cloud.eschedule(['destroy', `${request?.instance}`, '--force']);
    expect(code).toBe(1);
    expect(stderr).toContain('whether it is down is not known');
    expect(await listWorld()).toEqual(before);
  });

  test.runIf(hasPlacementService).each(['lost before', 'lost after'] as const)(
    'cut short, with the release %s it was done: a second one goes on',
    async (when) => {
      const { host, instance } = await bootOnDownHost();
      const isRelease = (method: string): boolean => method === 'PUT';
      await using front = await startPlacementFront(cloud.placementServer.endpoint, {
        answer: (method) => (isRelease(method) && when === 'lost before' ? { status: 503, body: '' } : undefined),
        beforeReply: (method) => (isRelease(method) ? 'drop' : 'send'),
      });
      const config = await cloud.writeConfig({ placement: front.endpoint });
      const { code, stderr } = await cloud.eschedule(['destroy', 'web', '--force'], { config });
      expect(code).toBe(1);
      expect(stderr).toContain(`could not release the allocations of instance ${instance}`);
      expect(await cloud.listRequests()).toMatchObject([{ host, instance, value: { image: null } }]);
      expect(await cloud.eschedule(['destroy', 'web', '--force'])).toMatchObject({ code: 0 });
      await expectGivenUp(host, instance);
    },
  );

  test.runIf(hasPlacementService)('leaves it to the agent when that comes back in this moment', async () => {
    const { host, instance, presence } = await bootOnDownHost();
    await using front = await startPlacementFront(cloud.placementServer.endpoint, {
      beforeReply: async (method): Promise<'send'> => {
        if (method === 'PUT') await cloud.put(cloud.keys.agent(host), presence);
        return 'send';
      },
    });
    const config = await cloud.writeConfig({ placement: front.endpoint });
    const { code, stderr } = await cloud.eschedule(['destroy', 'web', '--force'], { config });
    expect(code).toBe(0);
    expect(stderr).toContain(`is destroyed by the agent of its host ${host}, which is back`);
    expect(await cloud.getRecord(instance)).toMatchObject({ state: 'active' });
    expect(await cloud.listRequests()).toMatchObject([{ host, instance, value: { image: null } }]);
  });

  test('two at once give it up once', async () => {
    const { host, instance } = await bootOnDownHost();
    const both = await Promise.all([1, 2].map(async () => cloud.eschedule(['destroy', instance, '--force'])));
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    await expectGivenUp(host, instance);
    expect((await cloud.getRecord(instance)).transitions.filter(({ state }) => state === 'deleted')).toHaveLength(1);
  });
});

describe('boot and destroy in the same moment', () => {
  test.runIf(hasPlacementService)(
    'destroyed between the allocation and the request: the boot fails and leaves nothing but the wish',
    async () => {
      const host = await cloud.addHost({ name: 'alpha' });
      let destroyed: InstanceUuid | undefined;
      await using front = await startPlacementFront(cloud.placementServer.endpoint, {
        beforeReply: async (method, path): Promise<'send'> => {
          const [instance] = await cloud.allocationsOn(host);
          if (
            method === 'PUT' &&
            path.startsWith('/allocations/') &&
            destroyed === undefined &&
            instance !== undefined
          ) {
            const { code } = await cloud.eschedule(['destroy', instance]);
            if (code === 0) destroyed = (await cloud.waitForRequest()).instance;
          }
          return 'send';
        },
      });
      const config = await cloud.writeConfig({ placement: front.endpoint });
      const { code } = await cloud.eschedule(['boot', '--no-wait'], { config });
      expect(code).toBe(1);
      expect(destroyed).toBeDefined();
      expect(await cloud.listRequests()).toMatchObject([{ host, instance: destroyed, value: { image: null } }]);
      expect(await cloud.listAllocations()).toEqual([]);
      expect((await cloud.store.list(cloud.keys.reports)).entries).toEqual([]);
    },
  );

  test('destroyed while it waits to be built, by two at once', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const boot = cloud.run(['boot', '--name', 'web', '--timeout', '30']);
    const { instance } = await cloud.waitForRequest();
    const both = await Promise.all([1, 2].map(async () => cloud.eschedule(['destroy', instance])));
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(await cloud.listRequests()).toMatchObject([{ host, instance, value: { image: null } }]);
    // Its agent destroys it.
    await cloud.report(instance, 'deleting', { session: null });
    await cloud.report(instance, 'deleted');
    await drop(cloud.keys.request(host, instance));
    const { code, stderr } = await boot.finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/destroyed|gone|deleted/);
    expect(await cloud.listRequests()).toEqual([]);
  });
});
