import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newInstanceUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { getInventories } from '@etcd-compute/common/placement/resource-providers';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  allocateByHand,
  bootMessage,
  heldBy,
  hostOf,
  SMALL,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../fixtures/agent-world.js';
import { sectionAt } from '../fixtures/counting.js';
import { parseJson, start } from '../fixtures/eschedule-fixture.js';

/** `eschedule host drain` and `undrain`, with a real agent. */
let world: World;
let agent: Ecompute;

const eschedule = async (...argv: string[]): ReturnType<typeof start>['finished'] =>
  start(argv, world.dir.path).finished;

const succeed = async (...argv: string[]): Promise<string> => {
  const { code, stdout, stderr } = await eschedule(...argv);
  expect({ argv, code, stderr }).toMatchObject({ code: 0 });
  return stdout;
};

const bootOne = async (name: string, ...more: string[]): Promise<InstanceUuid> => {
  await succeed('boot', '--name', name, '--memory', '64M', '--no-wait', ...more);
  const { instance } = Object(parseJson(await succeed('show', name, '-o', 'json')));
  return instance;
};

const showHost = async (): Promise<unknown> => Object(parseJson(await succeed('hosts', '-o', 'json')))[0];

const isLocked = async (): Promise<boolean> => {
  const { inventories } = await getInventories(world.client, hostOf(agent));
  return inventories['VCPU']?.reserved === inventories['VCPU']?.total;
};

const putRequest = async (instance: InstanceUuid): Promise<void> => {
  const message = bootMessage(agent.uuid, { instance, image: world.imageUrl });
  await world.etcdctl('put', world.keys.request(hostOf(agent), instance), JSON.stringify(message));
};

beforeAll(async () => {
  world = await startWorld();
  const { etcd, placement, imageUrl, dir } = world;
  const config = {
    etcd: { host: etcd.host, port: etcd.port, timeout: 60 },
    placement: sectionAt(placement.endpoint, { timeout: 60 }),
    image: imageUrl,
  };
  await writeFile(join(dir.path, 'schedule.yaml'), JSON.stringify(config));
  agent = await world.startAgent({ config: { name: 'compute-1', period: 1 } });
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

describe('host drain', () => {
  test('nothing new comes, what is there goes on and is named, over restarts of the agent; undrain ends it', async () => {
    const web = await bootOne('web');
    await waitForState(world, web, 'active');
    const drained = await eschedule('host', 'drain', 'compute-1', '--wait', '--reason', 'new disks');
    expect(drained).toMatchObject({ code: 1 });
    expect(drained.stdout).toMatch(new RegExp(`web +${web} +active +it runs`));
    expect(drained.stderr).toContain('1 instance stays on host compute-1\n');

    expect(await isLocked()).toBe(true);
    expect(await showHost()).toMatchObject({ state: 'draining', drain: { reason: 'new disks' }, instances: 1 });
    expect(await succeed('hosts')).toMatch(/draining since [0-9:]+ \(new disks\)/);
    await succeed('stop', 'web', '--hard', '--wait');
    await succeed('start', 'web', '--wait');
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      agent.kill(signal);
      await agent.exit();
      await agent.restart();
      const refused = await eschedule('boot', '--no-wait');
      expect(refused).toMatchObject({ code: 3, stdout: '' });
      expect(refused.stderr).toMatch(/compute-1: .*it is drained since .*\(new disks\)/);
      expect(await isLocked()).toBe(true);
    }
    await succeed('destroy', 'web', '--wait');
    await waitFor(async () => Object(await showHost()).state === 'drained', { what: 'the host to be drained' });
    expect(await eschedule('host', 'drain', 'compute-1', '--wait')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'nothing is on the host\n',
    });

    await succeed('host', 'undrain', 'compute-1');
    await waitFor(async () => Object(await showHost()).state === 'up', { what: 'the host to be up again' });
    expect(await showHost()).toMatchObject({ drain: null });
    const again = await bootOne('again');
    await waitForState(world, again, 'active');
    await succeed('destroy', 'again', '--wait');
  });

  test('--wait lets a build in hand finish; without it the command returns at once', async () => {
    world.images.setFile('slow', join(world.dir.path, 'tiny.raw'));
    world.images.setFault('slow', 'hang');
    const slow = await bootOne('slow', '--image', world.images.url('slow'));
    await waitForState(world, slow, 'building');
    const asked = await eschedule('host', 'drain', agent.uuid);
    expect(asked).toMatchObject({ code: 0, stderr: expect.stringContaining('1 instance stays') });
    const late = await eschedule('host', 'drain', agent.uuid, '--wait', '--timeout', '1');
    expect(late).toMatchObject({ code: 4, stderr: expect.stringContaining('slow (building)') });
    const waiting = start(['host', 'drain', agent.uuid, '--wait', '-o', 'name'], world.dir.path);
    world.images.setFault('slow', undefined);
    expect(await waiting.finished).toMatchObject({ code: 1, stdout: `${slow}\n` });
    await waitForState(world, slow, 'active');
    await succeed('destroy', 'slow', '--wait');
    await succeed('host', 'undrain', agent.uuid);
    await waitFor(async () => !(await isLocked()), { what: 'the lock to go' });
  });

  test('an instance that was placed before and asked for after is declined: another host may have it', async () => {
    const instance = newInstanceUuid();
    await allocateByHand(world, instance, { [agent.uuid]: { resources: SMALL } });
    await succeed('host', 'drain', 'compute-1', '--wait');
    await putRequest(instance);
    const record = await waitForRecord(world, instance, ({ state }) => state === 'error');
    expect(record.fault).toMatchObject({ code: 'ECOMPUTE_HOST_DRAINING', retryable: true });
    expect(await heldBy(world, instance)).toEqual({});
    await succeed('destroy', instance, '--wait');
    await succeed('host', 'undrain', 'compute-1');
    await waitFor(async () => !(await isLocked()), { what: 'the lock to go' });
  });

  test('a drain while the agent is down holds from its first moment on', async () => {
    await agent.stop();
    const { code, stderr } = await eschedule('host', 'drain', 'compute-1', '--wait', '--reason', 'off');
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('heeds the drain when it is back'),
    });
    expect(await succeed('hosts')).toMatch(/down, drained since [0-9:]+ \(off\)/);
    const before = newInstanceUuid();
    await putRequest(before);
    await agent.restart();
    expect(await waitForRecord(world, before, ({ state }) => state === 'error')).toMatchObject({
      fault: { code: 'ECOMPUTE_HOST_DRAINING' },
    });
    await succeed('destroy', before, '--wait');
    await succeed('host', 'undrain', 'compute-1');
    await waitFor(async () => !(await isLocked()), { what: 'the lock to go' });
  });

  test('what is wrong is said', async () => {
    const say = async (...argv: string[]): Promise<string> => {
      const { code, stderr } = await eschedule('host', ...argv);
      return `${code} ${stderr}`;
    };
    expect(await say('drain', 'compute-7')).toContain("1 eschedule: there is no host 'compute-7'");
    expect(await say('undrain', 'compute-1')).toMatch(/^1 eschedule: host compute-1 \(.*\) is not drained/);
    expect(await say('drain', 'compute-1', '--reason', 'a\nb')).toMatch(/^2 .*--reason "a\\nb" is not usable/);
    expect(await say('drian', 'compute-1')).toContain('did you mean `host drain`?');
    expect(await say('drain')).toContain('2 eschedule: host drain needs a host, by uuid or name');
    expect(await say('undrain', 'compute-1', '--wait')).toContain('go with host drain, not with host undrain');
    expect(await say('drain', 'compute-1', '--force')).toContain('--force goes with host remove');
    await succeed('host', 'drain', 'compute-1', '--reason', 'first');
    expect(await say('drain', 'compute-1')).toMatch(/^1 .*it is drained since [0-9:]+ \(first\) already/);
    await succeed('host', 'drain', 'compute-1', '--reason', 'second');
    expect(await showHost()).toMatchObject({ drain: { reason: 'second' } });
    await succeed('host', 'undrain', 'compute-1');
  });
});
