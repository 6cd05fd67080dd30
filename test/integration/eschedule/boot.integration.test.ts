import { isUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { startTcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasPlacementService } from '../fixtures/counting.js';
import { parseJson, startCloud, startPlacementFront, type TestCloud } from '../fixtures/eschedule-fixture.js';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

const ADDRESS = { address: '192.0.2.7', family: 'ipv4', mac: '52:54:00:00:00:01', source: 'lease' } as const;

/** An agent that has built the instance. */
const bringUp = async (instance: InstanceUuid): Promise<void> => {
  await cloud.report(instance, 'building');
  await cloud.report(instance, 'active', { addresses: [ADDRESS], address_sources: { lease: 'found' } });
};

/** An agent that has failed to build it, undone everything and released its allocation. */
const failBuild = async (instance: InstanceUuid, retryable: boolean): Promise<void> => {
  await cloud.report(instance, 'building');
  await cloud.capacity.release(instance);
  const fault = {
    code: 'ECOMPUTE_DISK_FAILED',
    message: 'the pool is full',
    step: 'create-disk',
    hint: 'make room',
    retryable,
  };
  await cloud.report(instance, 'error', { fault });
};

interface BootedInstance {
  instance: InstanceUuid;
  name: string | null;
  host: ProviderUuid;
  hostName: string;
  state: string;
}

const one = (stdout: string): BootedInstance => JSON.parse(stdout);
const many = (stdout: string): BootedInstance[] => JSON.parse(stdout);

describe('boot --no-wait', () => {
  test('allocates, writes the original’s request with ours beside it, and a record', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const argv = [
      'boot',
      '--name',
      'web',
      '--vcpus',
      '2',
      '--memory',
      '1G',
      '--disk',
      '10G',
      '--image',
      'http://x/a.img',
    ];
    const { code, stdout, stderr } = await cloud.eschedule([...argv, '--no-wait', '-o', 'json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { instance } = one(stdout);
    const resources = { VCPU: 2, MEMORY_MB: 1024, DISK_GB: 10 };
    expect(parseJson(stdout)).toEqual({
      instance,
      name: 'web',
      project: 'default',
      user: 'default',
      host,
      hostName: 'alpha',
      state: 'scheduled',
      power: 'unknown',
      pausedBy: null,
      locked: null,
      step: null,
      resources,
      image: 'http://x/a.img',
      nics: null,
      meta: null,
      disks: [{ uuid: instance, sizeGiB: 10 }],
      addresses: [],
      addressSources: null,
      fault: null,
      attemptsLeft: 2,
      canMoveOn: false,
      outcomes: [],
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      transitions: [{ at: expect.any(String), state: 'scheduled', reason: 'placed on alpha (spread)' }],
    });
    expect((await cloud.listRequests())[0]).toMatchObject({
      host,
      instance,
      value: {
        allocations: { [host]: { resources } },
        mappings: { '': [host] },
        user_id: 'default',
        project_id: 'default',
        consumer_generation: null,
        instance,
        image: 'http://x/a.img',
        version: 1,
        name: 'web',
      },
    });
    expect(await cloud.getRecord(instance)).toMatchObject({
      state: 'scheduled',
      session: null,
      host,
      name: 'web',
      resources,
    });
    expect((await cloud.getAllocations(instance)).allocations).toMatchObject({ [host]: { resources } });
  });

  test('with further disks asks for all of them, and tells the agent which', async () => {
    const old = await cloud.addHost({ name: 'old', members: [] });
    const host = await cloud.addHost({ name: 'alpha' });
    const disks = ['--disk', '2G', '--add-disk', '10G', '--add-disk', '20'];
    const { code, stdout, stderr } = await cloud.eschedule(['boot', ...disks, '--no-wait', '-o', 'json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { instance } = one(stdout);
    const [request] = await cloud.listRequests();
    expect(request).toMatchObject({
      host,
      value: {
        allocations: { [host]: { resources: { DISK_GB: 32 } } },
        disks: [
          { uuid: expect.toSatisfy(isUuid), size_gib: 10 },
          { uuid: expect.toSatisfy(isUuid), size_gib: 20 },
        ],
      },
    });
    expect((await cloud.getAllocations(instance)).allocations).toMatchObject({
      [host]: { resources: { DISK_GB: 32 } },
    });
    const shown = parseJson((await cloud.eschedule(['show', instance, '-o', 'json'])).stdout);
    expect(shown).toMatchObject({ disks: [{ uuid: instance, sizeGiB: 2 }, { sizeGiB: 10 }, { sizeGiB: 20 }] });
    const second = await cloud.eschedule(['boot', '--disk', '70G', '--add-disk', '1G', '--no-wait']);
    expect(second).toMatchObject({ code: 3, stdout: '' });
    expect(second.stderr).toContain('its agent is of an older version: upgrade it');
    expect(await cloud.listRequests()).toHaveLength(1);
    expect(old).not.toBe(host);
  });

  test.each([
    [['--add-disk', '0'], '--add-disk 0 is not usable: expected an amount above zero in whole GiB'],
    [['--add-disk', '1', '--resources', 'VCPU:1,DISK_GB:3'], '--add-disk needs --disk, and --resources replaces that'],
    [Array.from({ length: 17 }, () => ['--add-disk', '1']).flat(), '17 further disks are too many'],
  ])('%j is refused before anything is sent', async (argv, message) => {
    await cloud.addHost({ name: 'alpha' });
    const { code, stderr } = await cloud.eschedule(['boot', ...argv, '--no-wait']);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(await cloud.listRequests()).toEqual([]);
  });

  test('on networks of its choice goes to a host that has them, and says which do not', async () => {
    await cloud.addHost({ name: 'plain', networks: ['ecompute'] });
    await cloud.addHost({ name: 'old', networks: ['ecompute', 'storage'], members: [] });
    const none = await cloud.eschedule(['boot', '--network', 'storage', '--no-wait']);
    expect(none).toMatchObject({ code: 3, stdout: '' });
    expect(none.stderr).toContain('lacks network storage; it has ecompute');
    expect(none.stderr).toContain('its agent is of an older version: upgrade it');
    const host = await cloud.addHost({ name: 'alpha', networks: ['ecompute', 'storage', 'bridge:br0'] });
    const networks = ['--network', 'bridge:br0', '--network', 'storage'];
    const { code, stdout, stderr } = await cloud.eschedule(['boot', ...networks, '--no-wait', '-o', 'json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const nics = [
      { slot: 0, network: 'bridge:br0' },
      { slot: 1, network: 'storage' },
    ];
    expect(await cloud.listRequests()).toMatchObject([{ host, value: { nics } }]);
    expect(parseJson(stdout)).toMatchObject({ nics: [{ network: 'bridge:br0' }, { network: 'storage' }] });
  });

  test.each([
    [['--network', 'a/b'], "'a/b' is not the name of a network"],
    [['--network', 'a', '--network', 'a'], "network 'a' is there twice"],
    [Array.from({ length: 9 }, (_, index) => ['--network', `n${index}`]).flat(), 'cannot be on 9 networks'],
  ])('%j is refused before anything is asked', async (argv, message) => {
    const { code, stderr } = await cloud.eschedule(['boot', ...argv, '--no-wait']);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test('prints a table by default, and the uuid alone with -o name', async () => {
    await cloud.addHost({ name: 'alpha' });
    const table = await cloud.eschedule(['boot', '--name', 'web', '--no-wait']);
    expect(table.stdout).toMatch(/^NAME +INSTANCE +STATE +HOST +ADDRESS\nweb +[0-9a-f-]{36} +scheduled +alpha +-\n$/);
    const name = await cloud.eschedule(['boot', '--no-wait', '-o', 'name']);
    expect(name.stdout.trim()).toSatisfy(isUuid);
  });

  test('takes its defaults from the environment and the config', async () => {
    await cloud.addHost({ name: 'alpha' });
    const config = await cloud.writeConfig({ more: 'image: http://x/from-config\nstrategy: pack\n' });
    const fromConfig = await cloud.eschedule(['boot', '--no-wait', '-o', 'json'], { config });
    expect(one(fromConfig.stdout)).toMatchObject({ image: 'http://x/from-config' });
    const env = { ESCHEDULE_IMAGE: 'http://x/from-env' };
    const fromEnv = await cloud.eschedule(['boot', '--no-wait', '-o', 'json'], { config, env });
    expect(one(fromEnv.stdout)).toMatchObject({ image: 'http://x/from-env' });
  });
});

describe('boot --count', () => {
  test('names them in a row, spreads them, and prints an array', async () => {
    const hosts = [await cloud.addHost({ name: 'alpha' }), await cloud.addHost({ name: 'beta' })];
    const { code, stdout } = await cloud.eschedule([
      'boot',
      '--count',
      '6',
      '--name',
      'web',
      '--no-wait',
      '-o',
      'json',
    ]);
    expect(code).toBe(0);
    const booted = many(stdout);
    expect(booted.map(({ name }) => name)).toEqual(['web-1', 'web-2', 'web-3', 'web-4', 'web-5', 'web-6']);
    expect(new Set(booted.map(({ instance }) => instance)).size).toBe(6);
    for (const host of hosts) expect(await cloud.allocationsOn(host)).toHaveLength(3);
  });

  test('an array of one is an array', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { stdout } = await cloud.eschedule(['boot', '--count', '1', '--no-wait', '-o', 'json']);
    expect(many(stdout)).toHaveLength(1);
  });

  test('pack fills one host before the next', async () => {
    const hosts = [await cloud.addHost({ name: 'alpha' }), await cloud.addHost({ name: 'beta' })];
    await cloud.eschedule(['boot', '--count', '5', '--strategy', 'pack', '--no-wait']);
    const counts = await Promise.all(hosts.map(async (host) => (await cloud.allocationsOn(host)).length));
    expect(counts.toSorted((a, b) => a - b)).toEqual([1, 4]);
  });

  test('prints those that found room, then says how many did not and why: exit 3', async () => {
    await cloud.addHost({ name: 'alpha', vcpus: 3 });
    const { code, stdout, stderr } = await cloud.eschedule(['boot', '--count', '5', '--no-wait', '-o', 'json']);
    expect(code).toBe(3);
    expect(many(stdout)).toHaveLength(3);
    expect(parseJson(stderr)).toMatchObject({
      code: 'ECOMPUTE_NO_CANDIDATES',
      message: expect.stringContaining('no host has room for 2 of 5 instances'),
      details: { asked: 5, unplaced: 2, hosts: [{ name: 'alpha', reasons: ['VCPU: asked 1, free 0 of 3'] }] },
    });
    expect(await cloud.listRequests()).toHaveLength(3);
    expect(await cloud.listAllocations()).toHaveLength(3);
  });
});

describe('boot without room', () => {
  test('says of each host why, with numbers, and leaves nothing: exit 3', async () => {
    await cloud.addHost({ name: 'alpha', vcpus: 4 });
    await cloud.addHost({ name: 'beta', vcpus: 100, memoryMiB: 100 });
    await cloud.addHost({ name: 'gamma', vcpus: 4, reserved: 4 });
    const { code, stdout, stderr } = await cloud.eschedule(['boot', '--vcpus', '64', '--no-wait']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain('no host has room for the instance (VCPU 64, MEMORY_MB 256, DISK_GB 1 each)');
    expect(stderr).toContain('\n  alpha: VCPU: asked 64, free 4 of 4\n');
    expect(stderr).toContain('\n  beta: MEMORY_MB: asked 256, free 100 of 100\n');
    expect(stderr).toContain('\n  gamma: it is draining: all its VCPUs are reserved\n');
    expect(await cloud.listLeftovers()).toEqual([]);
  });

  test('leaves out hosts whose agent is down or draining', async () => {
    await cloud.addHost({ name: 'alpha', agent: 'none' });
    await cloud.addHost({ name: 'beta', agent: 'draining' });
    const { code, stderr } = await cloud.eschedule(['boot', '--no-wait']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/\n {2}alpha-[0-9a-f-]+: its agent is down\n/);
    expect(stderr).toContain('\n  beta: its agent is draining\n');
    expect(await cloud.listLeftovers()).toEqual([]);
  });

  test('says which trait is lacking', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { code, stderr } = await cloud.eschedule(['boot', '--trait', 'HW_CPU_X86_AVX2', '--no-wait']);
    expect(code).toBe(3);
    expect(stderr).toContain('alpha: lacks trait HW_CPU_X86_AVX2');
  });

  test.runIf(hasPlacementService)('goes to the next host when the first is taken meanwhile', async () => {
    const hosts = [await cloud.addHost({ name: 'alpha', vcpus: 4 }), await cloud.addHost({ name: 'beta', vcpus: 2 })];
    let taken = 0;
    await using front = await startPlacementFront(cloud.placementServer.endpoint, {
      // Between the candidates and the allocation, someone else takes all of alpha.
      answer: async (method, path) => {
        if (method === 'PUT' && path.startsWith('/allocations/') && (taken += 1) === 1)
          await cloud.eschedule(['boot', '--vcpus', '4', '--no-wait']);
        return undefined;
      },
    });
    const config = await cloud.writeConfig({ placement: front.endpoint });
    const { code, stdout } = await cloud.eschedule(['boot', '--no-wait', '-o', 'json'], { config });
    expect({ code, taken }).toEqual({ code: 0, taken: 2 });
    expect(one(stdout).host).toBe(hosts[1]);
  });
});

describe('boot with names', () => {
  test('refuses a name that a live instance has, and leaves nothing', async () => {
    await cloud.addHost({ name: 'alpha' });
    const first = await cloud.eschedule(['boot', '--name', 'web', '--no-wait', '-o', 'name']);
    const second = await cloud.eschedule(['boot', '--name', 'web', '--no-wait']);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`the name 'web' is taken by instance ${first.stdout.trim()}`);
    expect(await cloud.listAllocations()).toHaveLength(1);
  });
});

describe('boot that waits', () => {
  test('prints the instance once it has an address', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const { finished } = cloud.run(['boot', '-o', 'json']);
    const request = await cloud.waitForRequest();
    await bringUp(request.instance);
    const { code, stdout, stderr } = await finished;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(parseJson(stdout)).toMatchObject({ host, state: 'active', power: 'running', addresses: [ADDRESS] });
  });

  test('takes an instance without an address as up when the agent has asked every source', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { finished } = cloud.run(['boot', '--name', 'web']);
    const request = await cloud.waitForRequest();
    await cloud.report(request.instance, 'building');
    await cloud.report(request.instance, 'active', { address_sources: { lease: 'none', arp: 'none' } });
    const { code, stderr } = await finished;
    expect(code).toBe(0);
    expect(stderr).toBe('web runs, but has no address (lease: none; arp: none)\n');
  });

  test('a fault of the instance is final: exit 1 with the fault and what to do', async () => {
    await cloud.addHost({ name: 'alpha' });
    await cloud.addHost({ name: 'beta' });
    const { finished } = cloud.run(['boot', '--name', 'web']);
    const request = await cloud.waitForRequest();
    await failBuild(request.instance, false);
    const { code, stdout, stderr } = await finished;
    expect(code).toBe(1);
    expect(stdout).toContain(' error ');
    expect(stderr).toContain(`could not boot instance web (${request.instance}): the pool is full`);
    expect(stderr).toContain('hint: make room;');
  });

  test('a fault of the host moves the same instance on to another, and leaves nothing on the first', async () => {
    const hosts = [await cloud.addHost({ name: 'alpha' }), await cloud.addHost({ name: 'beta' })];
    const { finished } = cloud.run(['boot', '-o', 'json']);
    const first = await cloud.waitForRequest();
    await failBuild(first.instance, true);
    const other = hosts.find((host) => host !== first.host);
    await waitFor(async () => (await cloud.getRecord(first.instance)).host === other, {
      what: 'the instance to move on',
    });
    expect(await cloud.listRequests()).toMatchObject([{ host: other, instance: first.instance }]);
    expect(Object.keys((await cloud.getAllocations(first.instance)).allocations)).toEqual([other]);
    await bringUp(first.instance);
    const { code, stdout } = await finished;
    expect(code).toBe(0);
    expect(parseJson(stdout)).toMatchObject({ instance: first.instance, host: other, state: 'active', fault: null });
  });

  test('gives up when every host has failed, and says of each why', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { finished } = cloud.run(['boot']);
    const first = await cloud.waitForRequest();
    await failBuild(first.instance, true);
    const { code, stderr } = await finished;
    expect(code).toBe(1);
    expect(stderr).toContain('\n  alpha: it failed to build the instance: the pool is full\n');
    expect(await cloud.listAllocations()).toEqual([]);
  });

  test('--retries 0 tries no other host', async () => {
    await cloud.addHost({ name: 'alpha' });
    await cloud.addHost({ name: 'beta' });
    const { finished } = cloud.run(['boot', '--retries', '0']);
    const first = await cloud.waitForRequest();
    await failBuild(first.instance, true);
    expect((await finished).code).toBe(1);
    expect(await cloud.listRequests()).toMatchObject([{ host: first.host }]);
  });

  test('an instance that is destroyed while it boots ends the wait: exit 1', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { finished } = cloud.run(['boot']);
    const first = await cloud.waitForRequest();
    await cloud.report(first.instance, 'deleting');
    const { code, stderr } = await finished;
    expect(code).toBe(1);
    expect(stderr).toContain(`instance ${first.instance} was destroyed while it was booting`);
  });

  test('--timeout: exit 4, the instance stays, and the message says how to look and destroy', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { code, stdout, stderr } = await cloud.eschedule(['boot', '--timeout', '0.5', '-o', 'json']);
    expect(code).toBe(4);
    const { instance } = one(stdout);
    expect(parseJson(stderr)).toMatchObject({
      code: 'ECOMPUTE_TIMED_OUT',
      hint: `see \`eschedule show ${instance}\`, or stop it with \`eschedule destroy ${instance}\``,
    });
    expect(await cloud.listRequests()).toHaveLength(1);
  });

  test('Ctrl-C ends it at once and says what goes on: exit 130', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { finished, kill } = cloud.run(['boot', '--timeout', '600']);
    const first = await cloud.waitForRequest();
    kill('SIGINT');
    const { code, stderr } = await finished;
    expect(code).toBe(130);
    expect(stderr).toContain(`the boot of instance ${first.instance} goes on`);
    expect(await cloud.listRequests()).toHaveLength(1);
  });

  test('goes on through a restart of etcd', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { finished } = cloud.run(['boot', '-o', 'json']);
    const first = await cloud.waitForRequest();
    await cloud.etcd.restart();
    await waitFor(async () => (await cloud.store.list('/')).entries.length > 0, { what: 'etcd to answer again' });
    await bringUp(first.instance);
    const { code, stdout } = await finished;
    expect(code).toBe(0);
    expect(one(stdout).state).toBe('active');
  });
});

describe('boot when etcd or Placement goes away in the middle', () => {
  /** How long a client needs to notice that its connection was reset: the reply of Placement must not come first. */
  const NOTICE_MS = 200;
  const isAllocation = (method: string, path: string): boolean => method === 'PUT' && path.startsWith('/allocations/');

  test.runIf(hasPlacementService)('etcd is gone after the allocation: the allocation is released', async () => {
    await cloud.addHost({ name: 'alpha' });
    await using proxy = await startTcpProxy({ host: '127.0.0.1', port: cloud.etcd.port });
    await using front = await startPlacementFront(cloud.placementServer.endpoint, {
      beforeReply: async (method, path) => {
        if (!isAllocation(method, path)) return 'send' as const;
        await proxy.refuse(true);
        proxy.cutAll();
        await new Promise((resolve) => setTimeout(resolve, NOTICE_MS));
        return 'send' as const;
      },
    });
    const config = await cloud.writeConfig({ etcdPort: proxy.port, placement: front.endpoint });
    const { code, stderr } = await cloud.eschedule(['boot', '--no-wait'], { config });
    expect(code).toBe(1);
    expect(stderr).toMatch(/could not place instance [0-9a-f-]+ on host [0-9a-f-]+: could not write/);
    expect(stderr).toContain('its allocation has been released');
    expect(await cloud.listLeftovers()).toEqual([]);
  });

  test.runIf(hasPlacementService)(
    'etcd’s reply to the write is lost: the instance is placed once, and said to be',
    async () => {
      await cloud.addHost({ name: 'alpha' });
      await using proxy = await startTcpProxy({ host: '127.0.0.1', port: cloud.etcd.port });
      await using front = await startPlacementFront(cloud.placementServer.endpoint, {
        beforeReply: (method, path) => {
          if (isAllocation(method, path)) proxy.stall('down');
          return 'send';
        },
      });
      const config = await cloud.writeConfig({ etcdPort: proxy.port, placement: front.endpoint });
      const { finished } = cloud.run(['boot', '--no-wait', '-o', 'json'], { config });
      const request = await cloud.waitForRequest();
      proxy.cutAll();
      proxy.resume();
      const { code, stdout } = await finished;
      expect(code).toBe(0);
      expect(one(stdout).instance).toBe(request.instance);
      expect(await cloud.listRequests()).toHaveLength(1);
      expect(Object.keys((await cloud.getAllocations(request.instance)).allocations)).toHaveLength(1);
    },
  );

  test.runIf(hasPlacementService)(
    'nobody can tell whether the write came through: the allocation stays, and the message names the instance',
    async () => {
      await cloud.addHost({ name: 'alpha' });
      await using proxy = await startTcpProxy({ host: '127.0.0.1', port: cloud.etcd.port });
      await using front = await startPlacementFront(cloud.placementServer.endpoint, {
        beforeReply: (method, path) => {
          if (isAllocation(method, path)) proxy.stall('both');
          return 'send';
        },
      });
      const config = await cloud.writeConfig({ etcdPort: proxy.port, placement: front.endpoint });
      const { code, stderr } = await cloud.eschedule(['boot', '--no-wait'], { config });
      const [consumer] = await cloud.listAllocations();
      expect(code).toBe(1);
      expect(stderr).toContain(`could not find out whether the boot request of instance ${consumer}`);
      expect(stderr).toContain(`\`eschedule show ${consumer}\``);
    },
  );

  test.runIf(hasPlacementService)(
    'Placement’s reply to the allocation is lost: what it holds is released',
    async () => {
      await cloud.addHost({ name: 'alpha' });
      let lost = 0;
      await using front = await startPlacementFront(cloud.placementServer.endpoint, {
        beforeReply: (method, path) => (isAllocation(method, path) && (lost += 1) === 1 ? 'drop' : 'send'),
      });
      const config = await cloud.writeConfig({ placement: front.endpoint });
      const { code, stderr } = await cloud.eschedule(['boot', '--no-wait'], { config });
      expect(code).toBe(1);
      expect(stderr).toContain('did not answer');
      expect(lost).toBe(2);
      expect(await cloud.listLeftovers()).toEqual([]);
    },
  );
});
