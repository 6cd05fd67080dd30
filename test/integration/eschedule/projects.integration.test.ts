import { newLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { newInstanceUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseJson, startCloud, type TestCloud } from '../fixtures/eschedule-fixture.js';
import { putVersion1 } from '../fixtures/version-1.js';

/** Projects and users: where they are written, and that a project's list costs and shows nothing of others. */
let cloud: TestCloud;
let host: ProviderUuid;
beforeAll(async () => {
  cloud = await startCloud();
});
beforeEach(async () => {
  host = await cloud.addHost({ name: 'alpha', vcpus: 200, memoryMiB: 200_000, diskGiB: 1_000 });
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

interface Booted {
  readonly instance: InstanceUuid;
  readonly host: ProviderUuid;
  readonly project: string;
  readonly user: string;
}

const run = async (argv: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> => {
  const { code, stdout, stderr } = await cloud.eschedule(argv, env && { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
};

const boot = async (...argv: string[]): Promise<Booted> =>
  JSON.parse(await run(['boot', '--no-wait', '-o', 'json', ...argv]));

const list = async (...argv: string[]): Promise<string[]> =>
  (await run(['list', '-o', 'name', ...argv])).split('\n').filter((line) => line !== '');

/** https://docs.openstack.org/api-ref/placement/#list-usages */
const usagesOf = async (query: string): Promise<unknown> => {
  const response = await fetch(`${cloud.placementServer.endpoint}/usages?${query}`, {
    headers: { 'x-auth-token': 'admin', 'openstack-api-version': 'placement 1.30' },
  });
  return Object(await response.json()).usages;
};

const drop = async (key: string): Promise<void> => {
  const modRevision = (await cloud.store.get(key))?.modRevision ?? '0';
  await cloud.store.txn([{ key, modRevision }], [{ op: 'delete', key }]);
};

/** What the agent of its host does with a wish to destroy it. */
const finishDestroy = async (instance: InstanceUuid): Promise<void> => {
  await cloud.report(instance, 'deleting');
  await cloud.capacity.release(instance);
  await cloud.report(instance, 'deleted');
  await drop(cloud.keys.request(host, instance));
};

const namesIn = async (project: string): Promise<string[]> => {
  const { entries } = await cloud.store.listKeys(cloud.keys.namesOf(project));
  return entries.map(({ key }) => key.slice(cloud.keys.namesOf(project).length));
};

describe('project and user', () => {
  test('are those of the flag, else the environment, else the config, and stand everywhere', async () => {
    const config = await cloud.writeConfig({ more: 'project: from-config\nuser: config-user\n' });
    const argv = ['boot', '--no-wait', '-o', 'json'];
    const env = { ESCHEDULE_PROJECT: 'from-env', ESCHEDULE_USER: 'env-user' };
    const flags = ['--project', 'from-flag', '--user', 'flag-user'];
    for (const [project, user, options] of [
      ['from-config', 'config-user', { config }],
      ['from-env', 'env-user', { config, env }],
    ] as const)
      expect(parseJson((await cloud.eschedule(argv, options)).stdout)).toMatchObject({ project, user });
    const { stdout } = await cloud.eschedule([...argv, ...flags], { config, env });
    const { instance }: Booted = JSON.parse(stdout);
    const owners = { project: 'from-flag', user: 'flag-user' };
    expect(parseJson(stdout)).toMatchObject(owners);
    expect(await cloud.getRecord(instance)).toMatchObject(owners);
    expect(parseJson(await run(['show', instance, '-o', 'json']))).toMatchObject(owners);
    const inPlacement = { project_id: 'from-flag', user_id: 'flag-user' };
    expect(await cloud.getAllocations(instance)).toMatchObject(inPlacement);
    const requests = await cloud.listRequests();
    expect(requests.find((request) => request.instance === instance)?.value).toMatchObject(inPlacement);
  });

  test('are what Placement counts usages by, until the instance is gone', async () => {
    const { instance } = await boot('--project', 'shop', '--user', 'alice', '--vcpus', '3', '--memory', '512M');
    await boot('--project', 'shop', '--user', 'bob');
    await boot('--project', 'other', '--user', 'alice');
    expect(await usagesOf('project_id=shop')).toEqual({ VCPU: 4, MEMORY_MB: 768, DISK_GB: 2 });
    expect(await usagesOf('project_id=shop&user_id=alice')).toEqual({ VCPU: 3, MEMORY_MB: 512, DISK_GB: 1 });
    await run(['destroy', instance]);
    await finishDestroy(instance);
    expect(await usagesOf('project_id=shop')).toEqual({ VCPU: 1, MEMORY_MB: 256, DISK_GB: 1 });
  });
});

describe('list', () => {
  test('shows the instances of the own project, named or not, and of all with --all-projects', async () => {
    const [mine, nameless] = [await boot('--name', 'web'), await boot()];
    const other = await boot('--name', 'web', '--project', 'other');
    expect(await list()).toEqual([mine.instance, nameless.instance]);
    expect(await list('--project', 'other')).toEqual([other.instance]);
    expect(await run(['list'], { ESCHEDULE_PROJECT: 'other' })).toContain(other.instance);
    expect((await list('--all-projects')).toSorted()).toEqual(
      [mine, nameless, other].map(({ instance }) => instance).toSorted(),
    );
    expect(await run(['list', '-A'])).toMatch(/^PROJECT +NAME +INSTANCE[^]*\nother +web +/);
    expect(await run(['list', '-o', 'wide'])).toMatch(/ PROJECT +USER\n/);
  });

  test('shows one that is renamed once, and one that is deleted for an hour', async () => {
    const { instance } = await boot();
    expect(await namesIn('default')).toEqual([instance]);
    await cloud.report(instance, 'building');
    await cloud.report(instance, 'active');
    await run(['rename', instance, 'web', '--no-wait']);
    expect(await namesIn('default')).toEqual(['web']);
    expect(await list()).toEqual([instance]);
    await run(['destroy', 'web']);
    await finishDestroy(instance);
    await boot('--name', 'next');
    expect(await namesIn('default')).toEqual([instance, 'next'].toSorted());
    expect(await list('--all')).toContain(instance);
    expect(await list()).not.toContain(instance);
    // It goes with its location and its record.
    const lease = (await cloud.store.get(cloud.keys.name('default', instance)))?.lease;
    expect(lease).toBe((await cloud.store.get(cloud.keys.location(instance)))?.lease);
    expect(lease).not.toBe('0');
  });

  test('finds what earlier versions have left out of the project, and notes that nothing is missing', async () => {
    const [named, nameless] = [await boot('--name', 'web'), await boot()];
    await drop(cloud.keys.name('default', nameless.instance));
    expect(await list()).toEqual([named.instance, nameless.instance]);
    expect(await namesIn('default')).toEqual([nameless.instance, 'web'].toSorted());
    expect(await cloud.store.get(cloud.keys.namesComplete)).toBeDefined();
    expect(await list()).toEqual([named.instance, nameless.instance]);
  });

  test('shows what version 1 wrote, by reading all, until its agents have moved their records', async () => {
    const old = { instance: newInstanceUuid(), host, name: 'web' };
    await putVersion1(cloud, old);
    const other = await boot('--project', 'other');
    expect(await list()).toEqual([old.instance]);
    expect(await list('--project', 'other')).toEqual([other.instance]);
    expect(await cloud.store.get(cloud.keys.namesComplete)).toBeUndefined();
  });

  test('shows both of two that had one name in version 1', async () => {
    const [first, second] = [await boot('--name', 'web'), await boot('--name', 'other')];
    await drop(cloud.keys.name('default', 'other'));
    const place = { ...second, project: 'default', name: 'web', created_at: new Date().toISOString() };
    await cloud.put(cloud.keys.location(second.instance), JSON.stringify(newLocation(place)));
    expect((await list()).toSorted()).toEqual([first.instance, second.instance].toSorted());
    await cloud.report(second.instance, 'building');
    await cloud.report(second.instance, 'active');
    await run(['rename', second.instance, 'db', '--no-wait']);
    expect((await namesIn('default')).toSorted()).toEqual(['db', 'web']);
    expect(await run(['show', 'web', '-o', 'name'])).toBe(`${first.instance}\n`);
  });
});

describe('audit --fix', () => {
  test('puts a nameless instance back into its project', async () => {
    const { instance } = await boot();
    await list();
    await drop(cloud.keys.name('default', instance));
    const audited = await cloud.eschedule(['audit', '--fix', '-o', 'json']);
    expect(parseJson(audited.stdout)).toMatchObject([{ kind: 'instance-without-name', instance, state: 'fixed' }]);
    expect(await list()).toEqual([instance]);
    expect(await cloud.eschedule(['audit'])).toMatchObject({ code: 0 });
  });

  test('frees every name whose instance is gone, however many there are', async () => {
    const booted: Booted[] = JSON.parse(
      await run(['boot', '--no-wait', '--count', '120', '--name', 'web', '-o', 'json']),
    );
    const all = booted.map(({ instance }) => instance);
    await run(['destroy', ...all]);
    for (const instance of all) await cloud.capacity.release(instance);
    for (const instance of all) {
      await drop(cloud.keys.report(host, instance));
      await drop(cloud.keys.request(host, instance));
    }
    await cloud.eschedule(['audit', '--fix']);
    expect(await namesIn('default')).toEqual([]);
    expect((await cloud.store.listKeys(cloud.keys.endings)).entries).toEqual([]);
  });
});
