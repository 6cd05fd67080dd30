import { join } from 'node:path';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { ACTIONS, isActionName } from '@etcd-compute/common/wishes/kinds';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import type { Domain } from '@etcd-compute/libvirt/domain';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { exampleOf } from '@etcd-compute/scheduler/commands/wishes/wishes';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  findRecord,
  hostOf,
  makeAgentRelist,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../fixtures/agent-world.js';

/** Stopping, starting and rebooting: as a person asks for it, and as the guest or somebody beside us does it. */
let world: World;
let libvirtd: LibvirtDaemon;
/** The libvirtd's own test driver, so that domains outlive an agent. */
let uri: string;
let connection: Connection;
let agent: Ecompute;
let config: string;

beforeAll(async () => {
  world = await startWorld();
  const dir = join(world.dir.path, 'v');
  await mkdir(dir);
  libvirtd = await startLibvirtd({ dir });
  uri = libvirtd.uri.replace('qemu+unix:///system', 'test+unix:///default');
  connection = await connect(uri);
  agent = await world.startAgent({ config: { libvirt: { uri }, bridge: 'br0' } });
  config = join(world.dir.path, 'schedule.yaml');
  const { etcd, placement } = world;
  await writeFile(
    config,
    `etcd: {host: ${etcd.host}, port: ${etcd.port}}\nplacement: ${JSON.stringify(placement.section)}\n`,
  );
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await connection.close();
  await libvirtd.stop();
  await world[Symbol.asyncDispose]();
});

const ESCHEDULE = fileURLToPath(import.meta.resolve('@etcd-compute/scheduler/eschedule.cjs'));

const eschedule = async (...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [ESCHEDULE, ...argv, '--config', config], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });

const bootOne = async (image = world.imageUrl): Promise<InstanceUuid> => {
  const { stdout, stderr } = await eschedule('boot', '--image', image, '--no-wait', '-o', 'json');
  if (stdout === '') throw new Error(stderr);
  const { instance }: { instance: InstanceUuid } = JSON.parse(stdout);
  return instance;
};

const bootActive = async (): Promise<InstanceUuid> => {
  const instance = await bootOne();
  await waitForState(world, instance, 'active');
  return instance;
};

const domainOf = async (instance: InstanceUuid): Promise<Domain> => connection.domainLookupByUUID(instance);

const isRunning = async (instance: InstanceUuid): Promise<boolean> => {
  await using domain = await domainOf(instance);
  return domain.isActive();
};

/** Another one after every start. */
const idOf = async (instance: InstanceUuid): Promise<number | null> => {
  await using domain = await domainOf(instance);
  return domain.getID();
};

const reasons = ({ transitions }: InstanceRecord): string[] =>
  transitions.map(({ state, reason }) => `${state}: ${reason}`);

const reasonsOf = async (instance: InstanceUuid): Promise<string[]> => {
  const record = await findRecord(world, instance);
  return record ? reasons(record) : [];
};

describe('as a person asks', () => {
  test('stop, start and reboot are done when the command returns', async () => {
    const instance = await bootActive();
    expect(await eschedule('stop', instance)).toMatchObject({ code: 0, stdout: '' });
    expect(await isRunning(instance)).toBe(false);
    expect(await findRecord(world, instance)).toMatchObject({
      state: 'stopped',
      addresses: [],
      step: null,
      fault: null,
    });
    const started = await eschedule('start', instance, '-o', 'json');
    expect(JSON.parse(started.stdout)).toMatchObject([{ instance, state: 'active', power: 'running' }]);
    expect(await isRunning(instance)).toBe(true);
    const before = await idOf(instance);
    expect(await eschedule('reboot', instance, '--hard')).toMatchObject({ code: 0 });
    expect(await idOf(instance)).not.toBe(before);
    expect((await reasonsOf(instance)).slice(-3)).toEqual([
      'stopped: asked to be stopped',
      'active: asked to be started',
      'active: asked to be rebooted',
    ]);
  });

  test('a guest that is paused or suspended goes on where it was', async () => {
    const instance = await bootActive();
    const id = await idOf(instance);
    const { stdout } = await eschedule('pause', instance, '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject([{ state: 'active', power: 'paused', pausedBy: 'user' }]);
    await using domain = await domainOf(instance);
    expect(await domain.getState()).toMatchObject({ state: 'paused' });
    expect(await eschedule('resume', instance)).toMatchObject({ code: 0 });
    expect(await findRecord(world, instance)).toMatchObject({ state: 'active', paused: null });
    expect(await idOf(instance)).toBe(id);
    const suspended = await eschedule('suspend', instance, '-o', 'json');
    expect(JSON.parse(suspended.stdout)).toMatchObject([{ state: 'suspended', power: 'suspended', addresses: [] }]);
    expect(await isRunning(instance)).toBe(false);
    expect(await domain.hasManagedSaveImage()).toBe(true);
    expect(await eschedule('resume', instance)).toMatchObject({ code: 0 });
    expect(await domain.hasManagedSaveImage()).toBe(false);
    expect(await isRunning(instance)).toBe(true);
    await eschedule('destroy', instance, '--wait');
  });

  test('one that is suspended can be stopped, which forgets its memory, and destroyed', async () => {
    const instance = await bootActive();
    expect(await eschedule('suspend', instance)).toMatchObject({ code: 0 });
    expect(await eschedule('stop', instance)).toMatchObject({ code: 0 });
    expect(await findRecord(world, instance)).toMatchObject({ state: 'stopped' });
    {
      await using domain = await domainOf(instance);
      expect(await domain.hasManagedSaveImage()).toBe(false);
    }
    expect(await eschedule('start', instance)).toMatchObject({ code: 0 });
    expect(await eschedule('suspend', instance)).toMatchObject({ code: 0 });
    expect(await eschedule('destroy', instance, '--wait')).toMatchObject({ code: 0 });
    await expect(domainOf(instance)).rejects.toMatchObject({ code: 'VIR_ERR_NO_DOMAIN' });
  });

  test('what is so already is left alone', async () => {
    const instance = await bootActive();
    const id = await idOf(instance);
    expect(await eschedule('start', instance)).toMatchObject({ code: 0 });
    expect(await idOf(instance)).toBe(id);
    expect(await eschedule('stop', instance)).toMatchObject({ code: 0 });
    expect(await eschedule('stop', instance, instance)).toMatchObject({ code: 0 });
    expect(await isRunning(instance)).toBe(false);
  });

  test('edits are in the record when the command returns, and on the config drive after the next start', async () => {
    const instance = await bootActive();
    const drive = async (): Promise<string> =>
      readFile(join(agent.stateDir, 'config-drives', `${instance}.iso`), 'latin1');
    expect(await eschedule('set', instance, '--meta', 'role=db')).toMatchObject({ code: 0 });
    expect(await eschedule('rename', instance, 'renamed')).toMatchObject({ code: 0 });
    expect(await findRecord(world, instance)).toMatchObject({ state: 'active', name: 'renamed', locked: null });
    expect(await drive()).not.toContain('"role": "db"');
    expect(await eschedule('reboot', 'renamed', '--hard')).toMatchObject({ code: 0 });
    expect(await drive()).toContain('"role": "db"');
    expect(await drive()).toContain('"name": "renamed"');
    expect(await eschedule('lock', 'renamed', '--reason', 'mine')).toMatchObject({ code: 0 });
    expect(await findRecord(world, instance)).toMatchObject({ locked: { reason: 'mine' } });
    expect(await eschedule('destroy', 'renamed')).toMatchObject({ code: 1 });
    expect(await eschedule('unlock', 'renamed')).toMatchObject({ code: 0 });
    expect(await eschedule('destroy', 'renamed', '--wait')).toMatchObject({ code: 0 });
  });

  test('while the host is down the wish stands; it is carried out once when the host is back', async () => {
    const instance = await bootActive();
    agent.kill('SIGKILL');
    await agent.exit();
    const asked = await eschedule('reboot', instance, '--timeout', '1');
    expect(asked).toMatchObject({ code: 4, stderr: expect.stringContaining('the request is stored') });
    await eschedule('stop', instance, '--no-wait');
    await agent.restart();
    const record = await waitForState(world, instance, 'stopped');
    expect(reasons(record).filter((reason) => reason.includes('asked to be'))).toEqual([
      'stopped: asked to be stopped',
    ]);
  });

  test('asked for while it is built: done when it is built', async () => {
    world.images.setFile('slow', join(world.dir.path, 'tiny.raw'));
    world.images.setFault('slow', 'hang');
    const instance = await bootOne(world.images.url('slow'));
    await waitForState(world, instance, 'building');
    await eschedule('stop', instance, '--no-wait');
    world.images.setFault('slow', undefined);
    const record = await waitForState(world, instance, 'stopped');
    expect(record).toMatchObject({ fault: null });
    expect(await isRunning(instance)).toBe(false);
  });

  test.each(Object.keys(ACTIONS).filter(isActionName))(
    '%s of what is gone, broken or unknown changes nothing',
    async (verb) => {
      const gone = await bootActive();
      await eschedule('destroy', gone, '--wait');
      expect(await eschedule(...exampleOf(verb, gone))).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('is deleted'),
      });
      const broken = await bootOne(world.images.url('missing'));
      await waitForState(world, broken, 'error');
      expect(await eschedule(...exampleOf(verb, broken))).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('is in error'),
      });
      const unknown = await eschedule(...exampleOf(verb, 'nobody'));
      expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("there is no instance 'nobody'") });
    },
  );
});

describe('as the guest, or somebody beside us, does it', () => {
  test('a guest that goes down is stopped and stays so; started by hand it is active', async () => {
    const instance = await bootActive();
    await eschedule('stop', instance);
    await eschedule('start', instance);
    await waitForRecord(world, instance, ({ addresses }) => addresses.length > 0);
    await using domain = await domainOf(instance);
    await domain.shutdown();
    const down = await waitForState(world, instance, 'stopped');
    expect(down).toMatchObject({ addresses: [], address_sources: null });
    expect(await world.store.get(world.keys.booted(instance))).toBeUndefined();
    await domain.create();
    const up = await waitForRecord(world, instance, ({ addresses }) => addresses.length > 0);
    expect((await world.store.get(world.keys.booted(instance)))?.value).toBe(up.addresses[0]?.address);
    await domain.destroy();
    const record = await waitForState(world, instance, 'stopped');
    expect(reasons(record).at(-1)).toBe('stopped: the guest was shut off');
  });

  test('an interface on a bridge has no lease, and gets its address from ARP; the record says who was asked', async () => {
    const instance = await bootActive();
    const record = await waitForRecord(world, instance, ({ addresses }) => addresses.length === 2);
    expect(record.addresses.map(({ source, family }) => `${source} ${family}`)).toEqual(['lease ipv4', 'arp ipv4']);
    expect(record.addresses[1]?.mac).toMatch(/^52:(?!54:00)/);
    expect(record.address_sources).toEqual({
      lease: 'found',
      agent: 'the guest has no channel for a guest agent',
      arp: 'found',
    });
    const shown = await eschedule('show', instance, '-o', 'json');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      addresses: [{ source: 'lease' }, { source: 'arp' }],
      addressSources: record.address_sources,
    });
    // Nothing has changed since, so nothing was written.
    await makeAgentRelist(world, agent);
    expect((await findRecord(world, instance))?.updated_at).toBe(record.updated_at);
  });

  test('a guest that reboots stays active', async () => {
    const instance = await bootActive();
    const before = await reasonsOf(instance);
    await using domain = await domainOf(instance);
    await domain.reboot();
    // A second instance that goes through all of its life shows that the first one's event has been looked at.
    await eschedule('destroy', await bootActive(), '--wait');
    expect(await reasonsOf(instance)).toEqual(before);
  });

  test('a guest that somebody pauses is shown as paused, without a fault; it goes on by hand, and by a start', async () => {
    const instance = await bootActive();
    await using domain = await domainOf(instance);
    for (const goOn of [async () => domain.resume(), async () => eschedule('start', instance)]) {
      await domain.suspend();
      const record = await waitForRecord(world, instance, ({ paused }) => paused !== null);
      expect(record).toMatchObject({ state: 'active', paused: 'user', fault: null });
      const { stdout } = await eschedule('show', instance, '-o', 'json');
      expect(JSON.parse(stdout)).toMatchObject({ state: 'active', power: 'paused', pausedBy: 'user' });
      await goOn();
      await waitForRecord(world, instance, ({ state, paused }) => state === 'active' && paused === null);
      expect(await domain.getState()).toMatchObject({ state: 'running' });
    }
    await domain.suspend();
    await waitForRecord(world, instance, ({ paused }) => paused !== null);
    expect(await eschedule('stop', instance, '--hard')).toMatchObject({ code: 0 });
    expect(await findRecord(world, instance)).toMatchObject({ state: 'stopped', paused: null });
  });

  test('a domain that somebody undefined is lost, and is said so; nothing is made in its place', async () => {
    const instance = await bootActive();
    await using domain = await domainOf(instance);
    await domain.destroy();
    await domain.undefineFlags(0);
    const record = await waitForState(world, instance, 'error');
    expect(record.fault).toMatchObject({ code: 'ECOMPUTE_DOMAIN_LOST' });
    expect((await world.store.get(world.keys.booted(instance)))?.value).toBeUndefined();
    expect(await eschedule('destroy', instance, '--wait')).toMatchObject({ code: 0 });
  });
});

describe('as the host goes down', () => {
  /** The host's power fails, and it boots: guests are off, and the last record is of another boot. */
  const crashHost = async (instances: readonly InstanceUuid[]): Promise<void> => {
    agent.kill('SIGKILL');
    await agent.exit();
    for (const instance of instances) {
      await using domain = await domainOf(instance);
      if (await domain.isActive()) await domain.destroy();
      const key = world.keys.report(hostOf(agent), instance);
      const entry = await world.store.get(key);
      const record = { ...JSON.parse(entry?.value ?? ''), boot_id: 'the boot before' };
      await world.store.txn(
        [{ key, modRevision: entry?.modRevision ?? '0' }],
        [{ op: 'put', key, value: JSON.stringify(record) }],
      );
    }
  };

  test('what ran is started again, what was stopped stays so', async () => {
    const [ran, stopped] = [await bootActive(), await bootActive()];
    await eschedule('stop', stopped);
    await crashHost([ran, stopped]);
    await agent.restart();
    const record = await waitForRecord(world, ran, ({ boot_id }) => boot_id !== 'the boot before');
    expect(reasons(record).at(-1)).toBe('active: the host was booted, and the guest ran before');
    expect(await isRunning(ran)).toBe(true);
    expect(await isRunning(stopped)).toBe(false);
    expect(await findRecord(world, stopped)).toMatchObject({ state: 'stopped' });
  });
});
