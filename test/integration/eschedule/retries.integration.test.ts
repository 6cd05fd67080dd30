import { moveOn } from '@etcd-compute/cloud/boot/move-on';
import { servicesOf } from '@etcd-compute/cloud';
import type { Services } from '@etcd-compute/cloud/services';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasPlacementService } from '../fixtures/counting.js';
import { parseJson, startCloud, type TestCloud } from '../fixtures/eschedule-fixture.js';

/** What becomes of an instance that its host cannot build; the test plays the agents. */
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

interface Placed {
  readonly instance: InstanceUuid;
  readonly host: ProviderUuid;
}

const addHosts = async (...names: string[]): Promise<ProviderUuid[]> => {
  const hosts: ProviderUuid[] = [];
  for (const name of names) hosts.push(await cloud.addHost({ name }));
  return hosts;
};

const boot = async (...argv: string[]): Promise<Placed> => {
  const { code, stdout, stderr } = await cloud.eschedule(['boot', '--no-wait', '-o', 'json', ...argv]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
};

/** An agent that has failed to build it, undone everything and released its allocation. */
const failBuild = async (instance: InstanceUuid, changes: { readonly boot_id?: string } = {}): Promise<void> => {
  await cloud.report(instance, 'building');
  await cloud.capacity.release(instance);
  const fault = { code: 'ECOMPUTE_DISK_FAILED', message: 'the pool is full', step: 'create-disk', hint: null };
  await cloud.report(instance, 'error', { fault: { ...fault, retryable: true }, ...changes });
};

const bringUp = async (instance: InstanceUuid): Promise<void> => {
  await cloud.report(instance, 'building');
  await cloud.report(instance, 'active', { address_sources: { lease: 'none' } });
};

/** Where it is wished, recorded and allocated, and how many attempts are left by request and record: each once. */
const stateOf = async (instance: InstanceUuid) => {
  const requests = (await cloud.listRequests()).filter((request) => request.instance === instance);
  const { entries: reports } = await cloud.store.listKeys(cloud.keys.reports);
  const record = await cloud.getRecord(instance);
  const value = Object(requests[0]?.value);
  return {
    wishedOn: requests.map(({ host }) => host),
    recordedOn: reports.flatMap(({ key }) => cloud.keys.parseReport(key)?.host ?? []),
    allocatedOn: Object.keys((await cloud.getAllocations(instance)).allocations),
    attempts: [value.retry.attempts_left, record.attempts_left],
    state: record.state,
  };
};

const on = (host: ProviderUuid, attempts: number, state = 'scheduled') => ({
  wishedOn: [host],
  recordedOn: [host],
  allocatedOn: state === 'error' ? [] : [host],
  attempts: [attempts, attempts],
  state,
});

const others = (hosts: readonly ProviderUuid[], ...not: readonly ProviderUuid[]): ProviderUuid[] =>
  hosts.filter((host) => !not.includes(host));

const services = (capacity: Partial<Capacity> = {}): Services =>
  servicesOf({ store: cloud.store, capacity: { ...cloud.capacity, ...capacity }, keys: cloud.keys });

const auditFix = async (): Promise<unknown> =>
  parseJson((await cloud.eschedule(['audit', '--fix', '-o', 'json'])).stdout);

describe('an instance that nobody waits for', () => {
  test('keeps its attempts, says that it can be moved on, and is moved on by audit --fix, host by host', async () => {
    const hosts = await addHosts('alpha', 'beta', 'gamma');
    const { instance, host } = await boot('--name', 'web', '--retries', '5');
    expect(await stateOf(instance)).toEqual(on(host, 5));
    expect(await cloud.eschedule(['audit'])).toMatchObject({ code: 0 });
    await failBuild(instance);
    expect(await stateOf(instance)).toEqual(on(host, 5, 'error'));
    const shown = await cloud.eschedule(['show', 'web']);
    expect(shown.stdout).toContain('retry:     5 more hosts may be tried: `eschedule audit --fix` moves it on');
    expect(parseJson((await cloud.eschedule(['list', '-o', 'json'])).stdout)).toMatchObject([
      { instance, state: 'error', attemptsLeft: 5, canMoveOn: true },
    ]);
    const found = await cloud.eschedule(['audit', '-o', 'json']);
    expect(found.code).toBe(3);
    expect(parseJson(found.stdout)).toMatchObject([
      { kind: 'failed-build', instance, host, detail: '5 more hosts may be tried; here: the pool is full' },
    ]);
    expect(await auditFix()).toMatchObject([{ kind: 'failed-build', instance, state: 'fixed' }]);
    const second = (await cloud.getRecord(instance)).host;
    expect(others(hosts, host)).toContain(second);
    expect(await stateOf(instance)).toEqual(on(second, 4));
    await failBuild(instance);
    await auditFix();
    const [third = host] = others(hosts, host, second);
    expect(await stateOf(instance)).toEqual(on(third, 3));
    // No host is tried twice, and one that finds none costs no attempt.
    await failBuild(instance);
    const stuck = await cloud.eschedule(['audit', '--fix', '-o', 'json']);
    expect(stuck.code).toBe(1);
    expect(parseJson(stuck.stdout)).toMatchObject([
      {
        state: 'failed',
        remedy: expect.stringContaining(`${host}: it failed to build the instance: the pool is full`),
      },
    ]);
    expect(await stateOf(instance)).toEqual(on(third, 3, 'error'));
    const [fourth = host] = await addHosts('delta');
    await auditFix();
    expect(await stateOf(instance)).toEqual(on(fourth, 2));
    expect((await cloud.eschedule(['show', 'web', '-o', 'name'])).stdout).toBe(`${instance}\n`);
  });

  test('is left alone without attempts, and once it had a guest', async () => {
    await addHosts('alpha', 'beta');
    const spent = await boot('--retries', '0');
    await failBuild(spent.instance);
    const built = await boot('--retries', '5');
    await failBuild(built.instance, { boot_id: 'a-boot' });
    expect(await auditFix()).toEqual([]);
    expect(await moveOn(services(), spent)).toEqual({ outcome: 'final', failedHosts: [] });
    expect(await moveOn(services(), built)).toEqual({ outcome: 'final', failedHosts: [] });
  });

  test('goes on with what it was booted with: its query, its owners and what was asked of it meanwhile', async () => {
    const hosts = await addHosts('alpha', 'beta');
    const argv = [
      '--name',
      'web',
      '--project',
      'shop',
      '--user',
      'alice',
      '--vcpus',
      '2',
      '--trait',
      '!HW_CPU_X86_AVX2',
    ];
    const { instance, host } = await boot(...argv, '--meta', 'a=1');
    await cloud.report(instance, 'building');
    for (const asked of [
      ['stop', 'web'],
      ['rename', 'web', 'db'],
      ['set', 'db', '--meta', 'b=2'],
      ['lock', 'db'],
    ])
      expect(await cloud.eschedule([...asked, '--no-wait', '--project', 'shop'])).toMatchObject({
        code: 0,
        stderr: '',
      });
    await failBuild(instance);
    await auditFix();
    const [other = host] = others(hosts, host);
    expect(await stateOf(instance)).toEqual(on(other, 1));
    expect((await cloud.listRequests())[0]?.value).toMatchObject({
      allocations: { [other]: { resources: { VCPU: 2 } } },
      mappings: { '': [other] },
      name: 'db',
      meta: { a: '1', b: '2' },
      wishes: [{ kind: 'stop' }],
      locked: {},
      retry: {
        query: expect.stringContaining('!HW_CPU_X86_AVX2'),
        failed_hosts: [{ host, reason: 'the pool is full' }],
      },
    });
    expect(await cloud.getAllocations(instance)).toMatchObject({ project_id: 'shop', user_id: 'alice' });
    expect((await cloud.eschedule(['show', 'db', '-o', 'name', '--project', 'shop'])).stdout).toBe(`${instance}\n`);
  });
});

describe('several who come across it at once', () => {
  test('move it on once', async () => {
    const hosts = await addHosts('alpha', 'beta', 'gamma', 'delta');
    const { instance, host } = await boot('--retries', '5');
    await failBuild(instance);
    const results = await Promise.all(Array.from({ length: 6 }, async () => moveOn(services(), { instance, host })));
    expect(results.filter(({ outcome }) => outcome === 'moved')).toHaveLength(1);
    expect(results.filter(({ outcome }) => outcome === 'changed')).toHaveLength(5);
    const { host: now } = await cloud.getRecord(instance);
    expect(others(hosts, host)).toContain(now);
    expect(await stateOf(instance)).toEqual(on(now, 4));
  });

  test('the command that waits follows it to where another command has moved it', async () => {
    await addHosts('alpha', 'beta');
    const { finished } = cloud.run(['boot', '--name', 'web', '--retries', '1', '-o', 'json']);
    const { instance, host } = await cloud.waitForRequest();
    await failBuild(instance);
    const audits = [cloud.eschedule(['audit', '--fix']), cloud.eschedule(['audit', '--fix'])];
    await waitFor(async () => (await cloud.getRecord(instance)).host !== host, { what: 'the instance to move on' });
    await Promise.all(audits);
    const { host: now } = await cloud.getRecord(instance);
    expect(await stateOf(instance)).toEqual(on(now, 0));
    await bringUp(instance);
    const { code, stdout } = await finished;
    expect(code).toBe(0);
    expect(parseJson(stdout)).toMatchObject({ instance, host: now, state: 'active' });
  });
});

describe('a command that ends early', () => {
  test.each(['SIGKILL', 'SIGINT'] as const)('by %s loses nothing: audit --fix goes on', async (signal) => {
    const hosts = await addHosts('alpha', 'beta');
    const { finished, kill } = cloud.run(['boot', '--retries', '3']);
    const { instance, host } = await cloud.waitForRequest();
    kill(signal);
    await finished;
    await failBuild(instance);
    expect(await auditFix()).toMatchObject([{ kind: 'failed-build', state: 'fixed' }]);
    const [other = host] = others(hosts, host);
    expect(await stateOf(instance)).toEqual(on(other, 2));
  });

  test.runIf(hasPlacementService)(
    'between the allocation and its txn leaves room that the next one takes over',
    async () => {
      const hosts = await addHosts('alpha', 'beta', 'gamma');
      const { instance, host } = await boot('--retries', '3');
      await failBuild(instance);
      const [, taken = host] = others(hosts, host);
      const resources = { VCPU: 1, MEMORY_MB: 256, DISK_GB: 1 };
      const owners = { userId: 'default', projectId: 'default' };
      await cloud.capacity.allocate([{ instance, allocations: { [taken]: { resources } }, ...owners }]);
      const results = await Promise.all([
        moveOn(services(), { instance, host }),
        moveOn(services(), { instance, host }),
      ]);
      expect(results.map(({ outcome }) => outcome).toSorted()).toEqual(['changed', 'moved']);
      expect(await stateOf(instance)).toEqual(on(taken, 2));
    },
  );
});

describe('an instance that is destroyed while it is moved on', () => {
  test('is destroyed, and what was allocated for it is released', async () => {
    await addHosts('alpha', 'beta');
    const { instance, host } = await boot('--retries', '3');
    await failBuild(instance);
    const reallocate: Capacity['reallocate'] = async (...args) => {
      const result = await cloud.capacity.reallocate(...args);
      expect(await cloud.eschedule(['destroy', instance])).toMatchObject({ code: 0 });
      return result;
    };
    expect(await moveOn(services({ reallocate }), { instance, host })).toEqual({ outcome: 'changed' });
    expect(await cloud.listRequests()).toMatchObject([{ host, value: { image: null } }]);
    expect(await cloud.listAllocations()).toEqual([]);
    expect(await moveOn(services(), { instance, host })).toEqual({ outcome: 'changed' });
  });
});

test('whoever waits for something else of the instance moves it on too', async () => {
  const hosts = await addHosts('alpha', 'beta');
  const { instance, host } = await boot('--name', 'web');
  await cloud.report(instance, 'building');
  const { finished } = cloud.run(['stop', 'web']);
  await waitFor(async () => JSON.stringify(await cloud.listRequests()).includes('"stop"'), { what: 'the wish' });
  await failBuild(instance);
  const [other = host] = others(hosts, host);
  await waitFor(async () => (await cloud.getRecord(instance)).host === other, { what: 'the instance to move on' });
  await bringUp(instance);
  await cloud.report(instance, 'stopped', { wish_count: 1 });
  expect(await finished).toMatchObject({ code: 0, stderr: '' });
});
