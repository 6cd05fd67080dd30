import { newInstanceUuid, newProviderUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { listResourceProviders } from '@etcd-compute/common/placement/resource-providers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasPlacementService } from '../fixtures/counting.js';
import { startCloud, startPlacementFront, type TestCloud } from '../fixtures/eschedule-fixture.js';

/** `eschedule host remove`, and hosts that cannot be drained; the test plays the agents. */
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

const drop = async (key: string): Promise<string> => {
  const entry = await cloud.store.get(key);
  await cloud.store.txn([{ key, modRevision: entry?.modRevision ?? '0' }], [{ op: 'delete', key }]);
  return entry?.value ?? '';
};

const auditOf = (host: ProviderUuid, findings: readonly unknown[] = []): string =>
  JSON.stringify({ version: 1, host, session: newProviderUuid(), at: new Date().toISOString(), findings });

/** A host whose agent has left all that agents leave, with some lists that are longer than a transaction. */
const addDownHost = async (name: string): Promise<ProviderUuid> => {
  const { keys, put } = cloud;
  const host = await cloud.addHost({ name });
  await put(keys.session(host), newProviderUuid());
  await put(keys.audit(host), auditOf(host));
  await put(keys.imageReport(host), '{}');
  for (let count = 0; count < 130; count += 1) await put(keys.imageWish(host, `wish-${count}`), '{}');
  await drop(keys.agent(host));
  return host;
};

const keysOf = async (host: ProviderUuid): Promise<string[]> =>
  (await cloud.store.listKeys('/')).entries.map(({ key }) => key).filter((key) => key.includes(host));

const providers = async (): Promise<string[]> => (await listResourceProviders(cloud.placement)).map(({ uuid }) => uuid);

const expectRemoved = async (host: ProviderUuid): Promise<void> => {
  expect(await keysOf(host)).toEqual([]);
  expect(await providers()).not.toContain(host);
};

const bootOn = async (host: ProviderUuid, presence: string): Promise<InstanceUuid> => {
  await cloud.put(cloud.keys.agent(host), presence);
  const { code, stderr } = await cloud.eschedule(['boot', '--no-wait', '--name', 'web']);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { instance } = await cloud.waitForRequest();
  await cloud.report(instance, 'building', { session: null });
  await cloud.report(instance, 'active');
  return instance;
};

describe('host remove', () => {
  test('removes the provider and every key of the host, by name, and nothing of another host', async () => {
    const other = await addDownHost('other');
    const kept = await keysOf(other);
    const host = await addDownHost('alpha');
    const name = `alpha-${host}`;
    const { code, stderr } = await cloud.eschedule(['host', 'remove', name]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `eschedule: host ${name} (${host}) is removed\n` });
    await expectRemoved(host);
    expect(await keysOf(other)).toEqual(kept);
    expect(await providers()).toEqual([other]);
    const again = await cloud.eschedule(['host', 'remove', host]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining(`there is no host '${host}'`) });
  });

  test('refuses while the agent is up, and while anything is there, and says what', async () => {
    const host = await addDownHost('alpha');
    const down = await keysOf(host);
    const refuse = async (...said: string[]): Promise<void> => {
      const before = await keysOf(host);
      const { code, stderr } = await cloud.eschedule(['host', 'remove', host]);
      expect(code).toBe(1);
      for (const text of said) expect(stderr).toContain(text);
      expect(await keysOf(host)).toEqual(before);
      expect(await providers()).toEqual([host]);
    };
    const presence = await (async () => {
      const probe = await cloud.addHost({ name: 'alpha' });
      await fetch(`${cloud.placementServer.endpoint}/resource_providers/${probe}`, {
        method: 'DELETE',
        headers: { 'x-auth-token': 'admin' },
      });
      return (await drop(cloud.keys.agent(probe))).replaceAll(probe, host);
    })();
    const instance = await bootOn(host, presence);
    await refuse('its agent is up', 'stop ecompute there');
    await drop(cloud.keys.agent(host));
    await refuse(`instances: ${instance}`);

    // Only its allocation is left.
    await drop(cloud.keys.request(host, instance));
    await drop(cloud.keys.report(host, instance));
    await refuse(`allocations in Placement of: ${instance}`);
    await cloud.capacity.release(instance);

    const domain = newInstanceUuid();
    const finding = { kind: 'domain-without-request', instance: domain, detail: '', since: new Date().toISOString() };
    await cloud.put(cloud.keys.audit(host), auditOf(host, [finding]));
    await refuse(`domain without request of ${domain}`);
    await cloud.put(cloud.keys.audit(host), auditOf(host));
    expect(await keysOf(host)).toEqual(down);
    expect(await cloud.eschedule(['host', 'remove', host])).toMatchObject({ code: 0 });
    await expectRemoved(host);
  });

  test('--force forgets what was given up there, never what was not', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const presence = await drop(cloud.keys.agent(host));
    const instance = await bootOn(host, presence);
    await cloud.put(cloud.keys.audit(host), auditOf(host));
    await drop(cloud.keys.agent(host));
    const early = await cloud.eschedule(['host', 'remove', host, '--force']);
    expect(early).toMatchObject({ code: 1, stderr: expect.stringContaining(`instances: ${instance}`) });
    expect(await cloud.eschedule(['destroy', 'web', '--force'])).toMatchObject({ code: 0 });
    const careful = await cloud.eschedule(['host', 'remove', host]);
    expect(careful).toMatchObject({ code: 1, stderr: expect.stringContaining('given up') });
    expect(await cloud.eschedule(['host', 'remove', host, '--force'])).toMatchObject({ code: 0 });
    await expectRemoved(host);
  });

  test.runIf(hasPlacementService).each([
    ['Placement answers 503', false],
    ['the reply of Placement is lost after it was done', true],
  ])('goes on where it failed: %s', async (_what, isDone) => {
    const host = await addDownHost('alpha');
    const name = `alpha-${host}`;
    const { endpoint } = cloud.placementServer;
    await using front = await startPlacementFront(endpoint, {
      answer: (method) => (method === 'DELETE' && !isDone ? { status: 503, body: '{}' } : undefined),
      beforeReply: (method) => (method === 'DELETE' ? 'drop' : 'send'),
    });
    const config = await cloud.writeConfig({ placement: front.endpoint });
    const failed = await cloud.eschedule(['host', 'remove', name], { config });
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('could not delete resource provider') });
    // What is left is what keeps its name, and agents from taking anything.
    expect(await keysOf(host)).toEqual([cloud.keys.drain(host)]);
    expect(await cloud.eschedule(['host', 'remove', name])).toMatchObject({ code: 0 });
    await expectRemoved(host);
  });

  test.runIf(hasPlacementService)('an agent that starts in between keeps its host', async () => {
    const host = await addDownHost('alpha');
    await using front = await startPlacementFront(cloud.placementServer.endpoint, {
      beforeReply: async (method, path): Promise<'send'> => {
        if (method === 'GET' && path.endsWith('/allocations')) await cloud.put(cloud.keys.agent(host), '{}');
        return 'send';
      },
    });
    const config = await cloud.writeConfig({ placement: front.endpoint });
    const { code, stderr } = await cloud.eschedule(['host', 'remove', host], { config });
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('its agent is up') });
    expect(await cloud.store.get(cloud.keys.session(host))).toBeDefined();
    expect(await providers()).toEqual([host]);
  });
});

describe('hosts that cannot be drained or removed', () => {
  test('one where no agent of ours ever was, and two of one name', async () => {
    const alien = await cloud.addHost({ name: 'alien', agent: 'none' });
    for (const verb of ['drain', 'undrain', 'remove']) {
      const { code, stderr } = await cloud.eschedule(['host', verb, alien]);
      expect({ verb, code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('no agent of ours was ever there'),
      });
    }
    expect(await providers()).toContain(alien);
    const twins = [await cloud.addHost({ name: 'twin' }), await cloud.addHost({ name: 'twin' })];
    const { stderr } = await cloud.eschedule(['host', 'drain', 'twin']);
    expect(stderr).toContain("several hosts are named 'twin': ");
    for (const uuid of twins) expect(stderr).toContain(uuid);
  });

  test('one whose agent does not know drains', async () => {
    const old = await cloud.addHost({ name: 'old', layout: 1 });
    const { code, stderr } = await cloud.eschedule(['host', 'drain', 'old']);
    expect(code).toBe(1);
    expect(stderr).toContain('its agent is of an older version, or its etcd user may not read /drains/');
    expect(await cloud.store.get(cloud.keys.drain(old))).toBeUndefined();
  });
});
