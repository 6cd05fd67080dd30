import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { InstanceState } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { resize } from '@etcd-compute/common/wishes/actions/resize';
import { reportedOf } from '@etcd-compute/common/wishes/reported';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseJson, startCloud, type TestCloud } from '../fixtures/eschedule-fixture.js';

/** What is asked of an instance that is built, as it stands in etcd. */
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

const bootTo = async (state: InstanceState): Promise<InstanceUuid> => {
  await cloud.addHost({ name: 'one', networks: ['ecompute', 'storage'] });
  const { stdout } = await cloud.eschedule(['boot', '--name', 'web', '--no-wait', '-o', 'json']);
  const { instance }: { instance: InstanceUuid } = JSON.parse(stdout);
  await cloud.report(instance, 'building');
  await cloud.report(instance, 'active');
  await cloud.report(instance, state);
  return instance;
};

const ask = async (...argv: string[]): Promise<void> => {
  expect(await cloud.eschedule([...argv, '--no-wait'])).toMatchObject({ code: 0, stdout: '' });
};

const request = async (): Promise<BootRequest> => {
  const [only] = await cloud.listRequests();
  return bootRequestSchema.parse(only?.value);
};

const SUM = `sha256:${'a'.repeat(64)}`;

const wishes = async (): Promise<unknown> => (await request()).wishes;

/** What the agent does about edits. */
const seeToEdits = async (instance: InstanceUuid): Promise<void> => {
  const { state } = await cloud.getRecord(instance);
  await cloud.report(instance, state, reportedOf(await request()));
};

describe('wishes', () => {
  test('are counted on; a stop replaces those about the power that wait, a pause might find the guest off', async () => {
    const instance = await bootTo('active');
    await ask('reboot', 'web');
    await ask('pause', 'web');
    expect(await wishes()).toMatchObject([{ kind: 'reboot' }, { kind: 'pause' }]);
    await ask('stop', 'web', '--hard');
    expect(await wishes()).toEqual([{ count: 3, kind: 'stop', args: { hard: true } }]);
    await cloud.report(instance, 'stopped', { wish_count: 3 });
    await ask('start', 'web');
    expect(await wishes()).toEqual([{ count: 4, kind: 'start', args: {} }]);
  });

  test.each([
    ['pause', 'stopped', 'can be paused only when it is active'],
    ['pause', 'suspended', 'can be paused only when it is active'],
    ['suspend', 'stopped', 'can be suspended only when it is active or suspended'],
    ['resume', 'stopped', 'can be resumed only when it is active or suspended'],
  ] as const)('%s of one that is %s is refused, and says when it can be', async (kind, state, reason) => {
    const instance = await bootTo(state);
    expect(await cloud.eschedule([kind, 'web'])).toEqual({
      code: 1,
      stdout: '',
      stderr: `eschedule: instance web (${instance}) is ${state}, and ${reason}\n`,
    });
    expect(await wishes()).toBeUndefined();
  });

  test('one that fails says why, and the instance stays as it is', async () => {
    const instance = await bootTo('active');
    const { finished } = cloud.run(['suspend', 'web']);
    await waitFor(async () => (await wishes()) !== undefined, { what: 'the wish' });
    const fault = {
      code: 'ECOMPUTE_DOMAIN_FAILED',
      message: 'could not save it',
      step: 'save-memory',
      hint: 'is there room?',
      retryable: false,
    };
    const outcome = { count: 1, kind: 'suspend', at: '2026-01-02T03:04:05.000Z', fault };
    await cloud.report(instance, 'active', { wish_count: 1, outcomes: [outcome] });
    expect(await finished).toEqual({
      code: 1,
      stdout: '',
      stderr: `eschedule: instance ${instance}: could not save it\nhint: is there room?; see \`eschedule show ${instance}\`\n`,
    });
    const { stdout } = await cloud.eschedule(['show', 'web']);
    expect(stdout).toContain('could not save it');
    const shown = parseJson((await cloud.eschedule(['show', 'web', '-o', 'json'])).stdout);
    expect(shown).toMatchObject({
      state: 'active',
      fault: null,
      outcomes: [{ kind: 'suspend', fault: { hint: 'is there room?' } }],
    });
  });
});

describe('rename', () => {
  test('the new name is found at once and the old one is free; the command waits for the agent', async () => {
    const instance = await bootTo('active');
    const { finished } = cloud.run(['rename', 'web', 'db', '-o', 'json']);
    await waitFor(async () => (await request()).name === 'db', { what: 'the new name' });
    expect(parseJson((await cloud.eschedule(['show', 'db', '-o', 'json'])).stdout)).toMatchObject({ instance });
    expect(await cloud.eschedule(['show', 'web'])).toMatchObject({ code: 1 });
    await seeToEdits(instance);
    const { code, stdout } = await finished;
    expect({ code, shown: parseJson(stdout) }).toMatchObject({ code: 0, shown: [{ instance, name: 'db' }] });
    expect(await cloud.eschedule(['boot', '--name', 'web', '--no-wait'])).toMatchObject({ code: 0 });
    expect(await cloud.eschedule(['destroy', 'db'])).toMatchObject({ code: 0 });
  });

  test('to its own name changes nothing; to one that is taken is refused, and so is what is no name', async () => {
    const instance = await bootTo('active');
    expect(await cloud.eschedule(['rename', 'web', 'web'])).toMatchObject({ code: 0 });
    await cloud.eschedule(['boot', '--name', 'db', '--no-wait']);
    const taken = await cloud.eschedule(['rename', 'web', 'db']);
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining("the name 'db' is taken by instance") });
    expect(await cloud.getRecord(instance)).toMatchObject({ name: 'web' });
    for (const wrong of [['web'], ['web', 'a', 'b'], ['web', 'No!']])
      expect(await cloud.eschedule(['rename', ...wrong])).toMatchObject({ code: 2 });
  });

  test('of two who want the same name at once, one gets it', async () => {
    await cloud.addHost({ name: 'one' });
    for (const name of ['a', 'b']) await cloud.eschedule(['boot', '--name', name, '--no-wait']);
    const both = await Promise.all(['a', 'b'].map(async (name) => cloud.eschedule(['rename', name, 'c', '--no-wait'])));
    expect(new Set(both.map(({ code }) => code))).toEqual(new Set([0, 1]));
    const named = (await cloud.listRequests()).map(({ value }) => bootRequestSchema.parse(value).name);
    expect(new Set(named)).toEqual(new Set([both[0]?.code === 0 ? 'b' : 'a', 'c']));
    expect((await cloud.store.listKeys(cloud.keys.names)).entries).toHaveLength(2);
  });
});

describe('lock', () => {
  test('refuses all else until it is unlocked, and says why', async () => {
    const instance = await bootTo('active');
    await ask('lock', 'web', '--reason', 'holds the database');
    await seeToEdits(instance);
    const before = await request();
    for (const argv of [['stop'], ['destroy'], ['set', '--meta', 'a=b'], ['rename', 'web', 'db']]) {
      const [verb = '', ...more] = argv;
      expect(await cloud.eschedule(verb === 'rename' ? argv : [verb, 'web', ...more])).toEqual({
        code: 1,
        stdout: '',
        stderr: `eschedule: instance web (${instance}) is locked: holds the database\nhint: \`eschedule unlock ${instance}\` first\n`,
      });
    }
    expect(await request()).toEqual(before);
    expect((await cloud.eschedule(['show', 'web'])).stdout).toMatch(/^locked: +holds the database$/m);
    expect(parseJson((await cloud.eschedule(['list', '-o', 'json'])).stdout)).toMatchObject([
      { locked: { reason: 'holds the database' } },
    ]);
    await ask('unlock', 'web');
    expect(await request()).not.toHaveProperty('locked');
    await ask('stop', 'web');
  });
});

describe('set', () => {
  test('changes what is named, and leaves the rest', async () => {
    await bootTo('active');
    expect(await cloud.eschedule(['set', 'web', '--meta', 'role=web', '--meta', 'stage=test'])).toMatchObject({
      code: 0,
    });
    expect(await cloud.eschedule(['set', 'web', '--meta', 'role=db', '--remove-meta', 'stage'])).toMatchObject({
      code: 0,
    });
    expect((await request()).meta).toEqual({ role: 'db' });
    expect(parseJson((await cloud.eschedule(['show', 'web', '-o', 'json'])).stdout)).toMatchObject({
      meta: { role: 'db' },
    });
    for (const wrong of [[], ['--meta', 'role'], ['--meta', 'a=b', '--remove-meta', 'a']])
      expect(await cloud.eschedule(['set', 'web', ...wrong])).toMatchObject({ code: 2 });
  });
});

describe('rebuild', () => {
  test('asks for an image, and leaves the request as it is: the agent edits it when the new disk is there', async () => {
    const instance = await bootTo('active');
    const before = await request();
    await ask('rebuild', 'web', '--image', 'http://images.example/b.qcow2', '--checksum', SUM.toUpperCase());
    const first = { count: 1, kind: 'rebuild', args: { image: 'http://images.example/b.qcow2', image_checksum: SUM } };
    expect(await request()).toEqual({ ...before, version: 1, wishes: [first] });
    // It takes its turn: nothing replaces it, and it replaces nothing.
    await ask('stop', 'web');
    await ask('rebuild', 'web');
    expect(await wishes()).toMatchObject([first, { kind: 'stop' }, { count: 3, kind: 'rebuild', args: {} }]);
    await cloud.report(instance, 'suspended', { wish_count: 3 });
    const refused = await cloud.eschedule(['rebuild', 'web']);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is suspended, and can be rebuilt only'),
    });
    for (const wrong of [
      ['--image', 'file:///etc/passwd'],
      ['--checksum', 'sha256:1'],
    ])
      expect(await cloud.eschedule(['rebuild', 'web', ...wrong])).toMatchObject({ code: 2 });
  });
});

describe('devices', () => {
  test('disk add prints the uuid of the disk, which disk remove takes in short', async () => {
    await bootTo('active');
    const before = await request();
    const { code, stdout } = await cloud.eschedule(['disk', 'add', 'web', '--size', '10G', '--no-wait']);
    expect(code).toBe(0);
    const added = { count: 1, kind: 'add-disk', args: { disk: stdout.trim(), size_gib: 10 } };
    expect(await request()).toEqual({ ...before, version: 1, wishes: [added] });
    await ask('disk', 'remove', 'web', stdout.slice(0, 12));
    expect(await wishes()).toEqual([added, { count: 2, kind: 'remove-disk', args: { disk: stdout.trim() } }]);
  });

  test('what cannot be is refused, and nothing is written', async () => {
    const instance = await bootTo('active');
    const nics = ['ecompute', 'storage'].map((network, slot) => ({ slot, network, mac: null }));
    await cloud.report(instance, 'active', { nics });
    const before = await request();
    for (const [argv, reason] of [
      [['disk', 'remove', 'web', 'ffff'], 'has no disk ffff'],
      [['disk', 'remove', 'web', instance], 'is the root disk'],
      [['nic', 'add', 'web', '--network', 'storage'], "is on the network 'storage' already"],
      [['nic', 'add', 'web', '--network', 'bridge:br9'], "cannot be on the network 'bridge:br9'"],
      [['nic', 'remove', 'web', 'backup'], "is not on the network 'backup'"],
    ] as const)
      expect(await cloud.eschedule(argv)).toMatchObject({ code: 1, stderr: expect.stringContaining(reason) });
    await cloud.report(instance, 'suspended');
    expect(await cloud.eschedule(['disk', 'add', 'web', '--size', '1'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is suspended, and can be given a disk only'),
    });
    expect(await request()).toEqual(before);
  });
});

describe('resize', () => {
  const resources = { VCPU: 1, MEMORY_MB: 256, DISK_GB: 1 };

  test('is asked for what differs, and refused where it cannot be done; nothing is written then', async () => {
    const instance = await bootTo('active');
    const before = await request();
    for (const [argv, reason] of [
      [['--vcpus', '2'], `instance ${instance} runs, and can be resized only when it is stopped`],
      [['--disk', '1', '--memory', '512'], `instance ${instance} runs`],
    ] as const) {
      const refused = await cloud.eschedule(['resize', 'web', ...argv]);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(reason) });
      expect(refused.stderr).toContain('--restart');
    }
    // All that is there already: done, without a restart.
    expect(await cloud.eschedule(['resize', 'web', '--vcpus', '1', '--memory', '256M', '--disk', '1G'])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    for (const wrong of [[], ['--vcpus', '0'], ['--memory', '1.5K'], ['--disk', '-1'], ['--restart']])
      expect(await cloud.eschedule(['resize', 'web', ...wrong])).toMatchObject({ code: 2 });
    expect(await request()).toEqual(before);
    await ask('resize', 'web', '--vcpus', '2', '--memory', '1G', '--restart');
    const args = { vcpus: 2, memory_mib: 1024, restart: true };
    expect(await request()).toMatchObject({ wishes: [{ count: 1, kind: 'resize', args }] });
    expect(Object.values((await request()).allocations)).toEqual([{ resources }]);
  });

  test('a disk does not shrink; one that is stopped needs no restart', async () => {
    const instance = await bootTo('stopped');
    await ask('resize', 'web', '--disk', '4');
    const { host } = await cloud.getRecord(instance);
    const carriedOut = resize.edit(await request(), { disk_gib: 4 });
    await cloud.put(cloud.keys.request(host, instance), JSON.stringify(carriedOut));
    await cloud.report(instance, 'stopped', { wish_count: 1 });
    const refused = await cloud.eschedule(['resize', 'web', '--disk', '3']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot shrink to 3 GiB') });
    await ask('resize', 'web', '--disk', '5');
  });
});
