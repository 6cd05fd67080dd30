import { newInstanceUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseJson, startCloud, type TestCloud } from '../fixtures/eschedule-fixture.js';

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
  const { stdout } = await cloud.eschedule(['boot', '--no-wait', '-o', 'json', ...argv]);
  return JSON.parse(stdout);
};

/** The wish to be destroyed; `toMatchObject` would take `{}` for any object. */
const WISH = {
  allocations: expect.toSatisfy((value: object) => Object.keys(value).length === 0),
  image: null,
};

/** What an agent does at the end of a destroy. */
const finishDestroy = async ({ instance, host }: Booted): Promise<void> => {
  await cloud.report(instance, 'deleting');
  await cloud.capacity.release(instance);
  await cloud.report(instance, 'deleted', { addresses: [] });
  const key = cloud.keys.request(host, instance);
  const entry = await cloud.store.get(key);
  await cloud.store.txn([{ key, modRevision: entry?.modRevision ?? '0' }], [{ op: 'delete', key }]);
};

/** A request as the original’s scheduler puts it: no record, no members of ours. */
const putOriginal = async (host: ProviderUuid): Promise<InstanceUuid> => {
  const instance = newInstanceUuid();
  const request = {
    allocations: { [host]: { resources: { VCPU: 1, DISK_GB: 1, MEMORY_MB: 256 } } },
    user_id: newInstanceUuid(),
    project_id: newInstanceUuid(),
    consumer_generation: null,
    instance,
    image: 'http://x/original.img',
  };
  await cloud.put(cloud.keys.request(host, instance), JSON.stringify(request));
  return instance;
};

describe('list', () => {
  test('shows live instances by name, also the original’s, and deleted ones with --all', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const gone = await boot('--name', 'gone');
    await finishDestroy(gone);
    const web10 = await boot('--name', 'web-10');
    const web2 = await boot('--name', 'web-2');
    const original = await putOriginal(host);
    const own = await cloud.eschedule(['list', '-o', 'name']);
    expect(own).toEqual({ code: 0, stdout: `${web2.instance}\n${web10.instance}\n`, stderr: '' });
    const { code, stdout } = await cloud.eschedule(['list', '--all-projects', '-o', 'name']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${web2.instance}\n${web10.instance}\n${original}\n` });
    const all = await cloud.eschedule(['list', '--all', '-A', '-o', 'json']);
    expect(parseJson(all.stdout)).toMatchObject([
      { instance: gone.instance, name: 'gone', state: 'deleted', power: 'unknown' },
      { instance: web2.instance },
      { instance: web10.instance },
      {
        instance: original,
        name: null,
        host,
        hostName: 'alpha',
        state: 'scheduled',
        resources: { VCPU: 1, DISK_GB: 1, MEMORY_MB: 256 },
        image: 'http://x/original.img',
        createdAt: null,
        transitions: [],
      },
    ]);
  });

  test('an empty cloud is an empty array, and a word on standard error', async () => {
    expect(await cloud.eschedule(['list', '-o', 'json'])).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
    expect(await cloud.eschedule(['list'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'no instances in project default; --all-projects lists those of all\n',
    });
    expect(await cloud.eschedule(['list', '-A'])).toEqual({ code: 0, stdout: '', stderr: 'no instances\n' });
  });

  test('tells of a value that it does not understand and shows the rest', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const { instance } = await boot();
    await cloud.put(cloud.keys.report(host, newInstanceUuid()), 'not JSON');
    const { code, stdout, stderr } = await cloud.eschedule(['list', '--all-projects', '-o', 'name']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${instance}\n` });
    expect(stderr).toContain('is not JSON');
    const { instance: other, host: at } = await boot();
    await cloud.put(cloud.keys.report(at, other), 'not JSON');
    const own = await cloud.eschedule(['list', '-o', 'name']);
    expect(own).toMatchObject({ code: 0, stdout: `${instance}\n`, stderr: expect.stringContaining('is not JSON') });
  });

  test('needs no Placement', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { instance } = await boot();
    const config = await cloud.writeConfig({ placement: 'http://127.0.0.1:1' });
    expect(await cloud.eschedule(['list', '-o', 'name'], { config })).toMatchObject({
      code: 0,
      stdout: `${instance}\n`,
    });
  });
});

describe('show', () => {
  test('finds an instance by uuid and by name, in full', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const { instance } = await boot('--name', 'web');
    const fault = { code: 'ECOMPUTE_DISK_FAILED', message: 'the pool is full', step: 'create-disk', hint: 'make room' };
    await cloud.report(instance, 'error', { fault: { ...fault, retryable: true } });
    const byName = await cloud.eschedule(['show', 'web', '-o', 'json']);
    const byUuid = await cloud.eschedule(['show', instance.toUpperCase(), '-o', 'json']);
    expect(byName).toEqual(byUuid);
    expect(parseJson(byName.stdout)).toMatchObject({
      instance,
      name: 'web',
      host,
      hostName: 'alpha',
      state: 'error',
      fault,
      transitions: [{ state: 'scheduled' }, { state: 'error', reason: 'now error' }],
    });
    const { stdout } = await cloud.eschedule(['show', 'web']);
    expect(stdout).toContain(
      'fault:     ECOMPUTE_DISK_FAILED in step create-disk: the pool is full\n  hint:    make room\n',
    );
  });

  test('an unknown name: exit 1', async () => {
    const { code, stdout, stderr } = await cloud.eschedule(['show', 'nobody']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^eschedule: there is no instance 'nobody'\nhint: .*; see `eschedule list`/);
  });

  test('a deleted instance does not make its name ambiguous', async () => {
    await cloud.addHost({ name: 'alpha' });
    await finishDestroy(await boot('--name', 'web'));
    const { instance } = await boot('--name', 'web');
    const { stdout } = await cloud.eschedule(['show', 'web', '-o', 'name']);
    expect(stdout).toBe(`${instance}\n`);
  });
});

describe('destroy', () => {
  test('overwrites the request with what Placement holds, without allocations, and prints nothing', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const { instance } = await boot('--name', 'web');
    const held = await cloud.getAllocations(instance);
    expect(await cloud.eschedule(['destroy', 'web'])).toEqual({ code: 0, stdout: '', stderr: '' });
    const { user_id, project_id, consumer_type } = held;
    expect(await cloud.listRequests()).toEqual([
      {
        host,
        instance,
        value: { allocations: {}, user_id, project_id, consumer_type, consumer_generation: 1, instance, image: null },
      },
    ]);
  });

  test('may be repeated, and keeps the owner when Placement holds nothing any more', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { instance } = await boot();
    const { user_id } = await cloud.getAllocations(instance);
    await cloud.capacity.release(instance);
    for (let time = 1; time <= 2; time += 1) expect((await cloud.eschedule(['destroy', instance])).code).toBe(0);
    expect(await cloud.listRequests()).toMatchObject([{ value: { ...WISH, user_id } }]);
  });

  test('--wait ends when the agent has removed record and request', async () => {
    await cloud.addHost({ name: 'alpha' });
    const booted = await boot('--name', 'web');
    const { finished } = cloud.run(['destroy', 'web', '--wait', '-o', 'json']);
    await expect.poll(async () => (await cloud.listRequests())[0]?.value).toMatchObject(WISH);
    await finishDestroy(booted);
    const { code, stdout } = await finished;
    expect(code).toBe(0);
    expect(parseJson(stdout)).toMatchObject([{ instance: booted.instance, name: 'web', state: 'deleted' }]);
  });

  test('--wait --timeout: exit 4, the wish stands', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { instance } = await boot();
    const { code, stderr } = await cloud.eschedule(['destroy', instance, '--wait', '--timeout', '0.3']);
    expect(code).toBe(4);
    expect(stderr).toContain(`instance ${instance} is not gone after 0.3 s`);
    expect(await cloud.listRequests()).toMatchObject([{ value: WISH }]);
  });

  test('a deleted instance is already deleted: exit 0', async () => {
    await cloud.addHost({ name: 'alpha' });
    const booted = await boot('--name', 'web');
    await finishDestroy(booted);
    const { code, stderr } = await cloud.eschedule(['destroy', 'web']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `web (${booted.instance}) is already deleted\n` });
    expect((await cloud.eschedule(['destroy', 'web', '--wait'])).code).toBe(0); // with nothing to wait for
    expect(await cloud.listRequests()).toEqual([]);
  });

  test('one wrong name among several: exit 1, and none is touched', async () => {
    await cloud.addHost({ name: 'alpha' });
    await boot('--name', 'web');
    const { code, stderr } = await cloud.eschedule(['destroy', 'web', 'nobody']);
    expect(code).toBe(1);
    expect(stderr).toContain("there is no instance 'nobody'");
    expect(await cloud.listRequests()).toMatchObject([{ value: { name: 'web', image: expect.any(String) } }]);
  });

  test('destroys an instance of the original, which has no record', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const instance = await putOriginal(host);
    expect(await cloud.eschedule(['destroy', instance])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await cloud.listRequests()).toMatchObject([{ host, instance, value: WISH }]);
  });

  test('says so when the agent of its host is away', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const { instance } = await boot();
    const key = cloud.keys.agent(host);
    const modRevision = (await cloud.store.get(key))?.modRevision ?? '0';
    await cloud.store.txn([{ key, modRevision }], [{ op: 'delete', key }]);
    const { code, stderr } = await cloud.eschedule(['destroy', instance]);
    expect(code).toBe(0);
    expect(stderr).toContain(
      `${instance} will be destroyed when the agent of its host ${host} is back: that host is down`,
    );
  });

  test('an allocation that was left without a request becomes a wish that the agent can clean up after', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const { instance } = await boot();
    for (const key of [cloud.keys.request(host, instance), cloud.keys.report(host, instance)]) {
      const modRevision = (await cloud.store.get(key))?.modRevision ?? '0';
      await cloud.store.txn([{ key, modRevision }], [{ op: 'delete', key }]);
    }
    expect((await cloud.eschedule(['destroy', instance])).code).toBe(0);
    expect(await cloud.listRequests()).toMatchObject([{ host, instance, value: WISH }]);
  });
});

describe('hosts', () => {
  test('joins Placement’s providers with the agents’ presence', async () => {
    const alpha = await cloud.addHost({ name: 'alpha', vcpus: 4, memoryMiB: 2048, diskGiB: 50 });
    await boot('--memory', '512M');
    const beta = await cloud.addHost({ name: 'beta', agent: 'none' });
    const gamma = await cloud.addHost({ name: 'gamma', agent: 'draining' });
    const zeta = await cloud.addHost({ name: 'zeta', vcpus: 4, reserved: 4 });
    const { code, stdout } = await cloud.eschedule(['hosts', '-o', 'json']);
    expect(code).toBe(0);
    expect(parseJson(stdout)).toMatchObject([
      {
        host: alpha,
        name: 'alpha',
        state: 'up',
        resources: {
          VCPU: { total: 4, reserved: 0, used: 1, allocationRatio: 1 },
          MEMORY_MB: { total: 2048, reserved: 0, used: 512, allocationRatio: 1 },
          DISK_GB: { total: 50, reserved: 0, used: 1, allocationRatio: 1 },
        },
        traits: [],
        instances: 1,
        agent: { version: '0.1.0', session: expect.any(String), startedAt: '2026-01-01T00:00:00.000Z' },
      },
      { host: beta, name: `beta-${beta}`, state: 'down', instances: 0, agent: null },
      { host: gamma, name: 'gamma', state: 'draining' },
      { host: zeta, name: 'zeta', state: 'draining' },
    ]);
    const table = await cloud.eschedule(['hosts']);
    expect(table.stdout).toMatch(/\nalpha +[0-9a-f-]{36} +up +1\/4 +512\/2048 +1\/50 +1\n/);
  });
});

describe('output', () => {
  test('yaml is the same data as json', async () => {
    const { parse } = await import('yaml');
    await cloud.addHost({ name: 'alpha' });
    await boot('--name', 'web');
    const json = await cloud.eschedule(['list', '-o', 'json']);
    const yaml = await cloud.eschedule(['list', '-o', 'yaml']);
    expect(parse(yaml.stdout)).toEqual(parseJson(json.stdout));
  });

  test('wide has more columns', async () => {
    await cloud.addHost({ name: 'alpha' });
    await boot('--name', 'web', '--image', 'http://x/a.img');
    const { stdout } = await cloud.eschedule(['list', '-o', 'wide']);
    expect(stdout).toMatch(
      /^NAME .* POWER +VCPU +MEMORY_MB +DISK_GB +ADDRESSES +CREATED +IMAGE +FAULT +PROJECT +USER\nweb .* http:\/\/x\/a\.img +- +default +default\n$/,
    );
  });

  test('nothing that is piped has colours, whatever the environment says', async () => {
    await cloud.addHost({ name: 'alpha' });
    await boot('--name', 'web');
    const { stdout } = await cloud.eschedule(['list'], { env: { FORCE_COLOR: '1', CI: 'true' } });
    expect(stdout).not.toContain('\u001b');
  });

  test('-o json gives errors as one line of JSON, with a stack for --debug', async () => {
    const { stdout, stderr } = await cloud.eschedule(['show', 'nobody', '-o', 'json', '--debug']);
    expect(stdout).toBe('');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(parseJson(stderr)).toMatchObject({
      code: 'ECOMPUTE_INSTANCE_UNKNOWN',
      message: "there is no instance 'nobody'",
      hint: expect.stringContaining('eschedule list'),
      details: { instance: 'nobody' },
      stack: expect.stringContaining('findInstance'),
    });
  });
});
