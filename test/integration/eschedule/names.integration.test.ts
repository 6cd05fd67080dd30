import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseJson, startCloud, type TestCloud } from '../fixtures/eschedule-fixture.js';

/** Names, and what is left of an instance when it is gone; the test plays the agents, who reach neither. */
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

interface Booted {
  readonly instance: InstanceUuid;
  readonly host: ProviderUuid;
}

const boot = async (...argv: string[]): Promise<Booted> => {
  const { code, stdout, stderr } = await cloud.eschedule(['boot', '--no-wait', '-o', 'json', ...argv]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
};

const drop = async (key: string): Promise<void> => {
  const modRevision = (await cloud.store.get(key))?.modRevision ?? '0';
  await cloud.store.txn([{ key, modRevision }], [{ op: 'delete', key }]);
};

/** What the agent of its host does with a wish to destroy it. */
const finishDestroy = async ({ instance, host }: Booted): Promise<void> => {
  await cloud.report(instance, 'deleting');
  await cloud.capacity.release(instance);
  await cloud.report(instance, 'deleted');
  await drop(cloud.keys.request(host, instance));
};

const holderOf = async (name: string, project = 'default'): Promise<unknown> => {
  const entry = await cloud.store.get(cloud.keys.name(project, name));
  return entry && parseJson(entry.value);
};

const booksOf = async (instance: InstanceUuid): Promise<{ lease: string | undefined; isEnding: boolean }> => {
  const { keys, store } = cloud;
  const [location, ending] = (await store.getMany([keys.location(instance), keys.ending(instance)])).entries;
  return { lease: location?.lease, isEnding: ending !== undefined };
};

describe('a name', () => {
  test('is taken by one of several who want it at once, and the others leave nothing', async () => {
    await cloud.addHost({ name: 'alpha', vcpus: 16 });
    const all = await Promise.all(
      Array.from({ length: 6 }, async () => cloud.eschedule(['boot', '--no-wait', '--name', 'web', '-o', 'json'])),
    );
    const won = all.filter(({ code }) => code === 0);
    expect(won).toHaveLength(1);
    const { instance } = JSON.parse(won[0]?.stdout ?? '');
    for (const { stderr } of all.filter(({ code }) => code !== 0))
      expect(stderr).toContain(`the name 'web' is taken by instance ${instance}`);
    expect(await holderOf('web')).toEqual({ version: 1, instance });
    expect(await cloud.listAllocations()).toEqual([instance]);
    expect(await cloud.listLeftovers()).toHaveLength(5);
  });

  test('is looked up in the project of the config, where it is unique', async () => {
    await cloud.addHost({ name: 'alpha' });
    const mine = await boot('--name', 'web');
    const config = await cloud.writeConfig({ more: 'project: other\nuser: me\n' });
    const other = await cloud.eschedule(['boot', '--no-wait', '--name', 'web', '-o', 'json'], { config });
    const { instance } = JSON.parse(other.stdout);
    expect(instance).not.toBe(mine.instance);
    expect((await cloud.eschedule(['show', 'web', '-o', 'name'], { config })).stdout).toBe(`${instance}\n`);
    expect((await cloud.eschedule(['show', 'web', '-o', 'name'])).stdout).toBe(`${mine.instance}\n`);
    expect(await cloud.getAllocations(instance)).toMatchObject({ project_id: 'other', user_id: 'me' });
    const requests = await cloud.listRequests();
    expect(requests.find((request) => request.instance === instance)?.value).toMatchObject({ project_id: 'other' });
    expect(await cloud.getRecord(instance)).toMatchObject({ project: 'other' });
  });

  test('of an instance that is gone is free at once, also while its books are open', async () => {
    await cloud.addHost({ name: 'alpha' });
    const first = await boot('--name', 'web');
    expect(await cloud.eschedule(['destroy', 'web'])).toMatchObject({ code: 0 });
    expect(await cloud.eschedule(['boot', '--no-wait', '--name', 'web'])).toMatchObject({ code: 1 });
    await finishDestroy(first);
    expect(await booksOf(first.instance)).toEqual({ lease: '0', isEnding: true });
    // The boot closes the books as well, before or after it has looked at the name.
    const second = await boot('--name', 'web');
    await cloud.eschedule(['boot', '--no-wait']);
    expect(await booksOf(first.instance)).toMatchObject({ isEnding: false });
    expect(await holderOf('web')).toEqual({ version: 1, instance: second.instance });
    expect((await cloud.eschedule(['show', 'web', '-o', 'name'])).stdout).toBe(`${second.instance}\n`);
  });
});

describe('the books of an instance', () => {
  test('are closed by who waits for its end; it can be looked up by its uuid for as long as its record is there', async () => {
    await cloud.addHost({ name: 'alpha' });
    const booted = await boot('--name', 'web');
    const { finished } = cloud.run(['destroy', 'web', '--wait']);
    await waitFor(async () => (await booksOf(booted.instance)).isEnding, { what: 'the wish' });
    await finishDestroy(booted);
    expect(await finished).toMatchObject({ code: 0 });
    expect(await booksOf(booted.instance)).toEqual({ lease: expect.stringMatching(/^[1-9]/), isEnding: false });
    expect(await holderOf('web')).toBeUndefined();
    expect((await cloud.eschedule(['show', booted.instance])).stdout).toContain('deleted');
    expect(await cloud.eschedule(['show', 'web'])).toMatchObject({ code: 1 });
  });

  test('are closed by any later command that writes, and stay open while the agent is at it', async () => {
    await cloud.addHost({ name: 'alpha', vcpus: 16 });
    const gone = await boot('--name', 'gone');
    const going = await boot('--name', 'going');
    expect(await cloud.eschedule(['destroy', 'gone', 'going'])).toMatchObject({ code: 0 });
    await finishDestroy(gone);
    await cloud.report(going.instance, 'deleting');
    await cloud.eschedule(['list']);
    expect(await booksOf(gone.instance)).toMatchObject({ isEnding: true });
    await boot();
    expect(await booksOf(gone.instance)).toMatchObject({ isEnding: false });
    expect(await booksOf(going.instance)).toEqual({ lease: '0', isEnding: true });
    expect(await holderOf('going')).toEqual({ version: 1, instance: going.instance });
  });

  test('of more than one command looks at are closed by a few, also behind those whose hosts are down', async () => {
    const host = await cloud.addHost({ name: 'alpha', vcpus: 200, memoryMiB: 200_000, diskGiB: 1_000 });
    const { code, stdout } = await cloud.eschedule([
      'boot',
      '--no-wait',
      '--count',
      '120',
      '--name',
      'web',
      '-o',
      'json',
    ]);
    expect(code).toBe(0);
    const all: Booted[] = JSON.parse(stdout);
    expect(await cloud.eschedule(['destroy', ...all.map(({ instance }) => instance)])).toMatchObject({ code: 0 });
    for (const { instance } of all.slice(0, 60)) {
      const entry = await cloud.findReport(instance);
      await cloud.put(entry?.key ?? '', (entry?.value ?? '').replace('"state":"scheduled"', '"state":"deleted"'));
      await drop(cloud.keys.request(host, instance));
    }
    const left = async (): Promise<number> => (await cloud.store.listKeys(cloud.keys.endings)).entries.length;
    for (let commands = 0; (await left()) > 60; commands += 1) {
      expect(commands).toBeLessThan(30);
      await cloud.eschedule(['boot', '--no-wait', '--vcpus', '1000']);
    }
    expect((await cloud.store.listKeys(cloud.keys.name('default', 'web-'))).entries).toHaveLength(60);
  });

  test('are closed at once by destroy --force: the name is free', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const { instance } = await boot('--name', 'web');
    await drop(cloud.keys.agent(host));
    expect(await cloud.eschedule(['destroy', 'web', '--force'])).toMatchObject({ code: 0 });
    expect(await booksOf(instance)).toEqual({ lease: expect.stringMatching(/^[1-9]/), isEnding: false });
    expect(await holderOf('web')).toBeUndefined();
  });
});

test('an instance that moves on after a failed build takes its record along, and is found where it is', async () => {
  const hosts = [await cloud.addHost({ name: 'alpha' }), await cloud.addHost({ name: 'beta' })];
  const { finished } = cloud.run(['boot', '--name', 'web', '-o', 'json']);
  const first = await cloud.waitForRequest();
  const created = (await cloud.getRecord(first.instance)).created_at;
  await cloud.report(first.instance, 'building');
  await cloud.capacity.release(first.instance);
  const fault = { code: 'ECOMPUTE_DISK_FAILED', message: 'full', step: null, hint: null, retryable: true };
  await cloud.report(first.instance, 'error', { fault });
  const other = hosts.find((host) => host !== first.host) ?? first.host;
  await waitFor(async () => (await cloud.getRecord(first.instance)).host === other, {
    what: 'the instance to move on',
  });
  const { keys, store } = cloud;
  expect(await store.get(keys.report(first.host, first.instance))).toBeUndefined();
  const location = await store.get(keys.location(first.instance));
  expect(parseJson(location?.value ?? '')).toMatchObject({ version: 2, host: other, name: 'web', created_at: created });
  expect((await cloud.getRecord(first.instance)).transitions.map(({ state }) => state)).toEqual([
    'scheduled',
    'building',
    'error',
    'scheduled',
  ]);
  expect((await cloud.eschedule(['show', 'web', '-o', 'json'])).stdout).toContain(other);
  await cloud.report(first.instance, 'building');
  await cloud.report(first.instance, 'active', { address_sources: { lease: 'none' } });
  expect(await finished).toMatchObject({ code: 0 });
});
