/** Instances that are shelved and come back, between two agents on libvirt's test driver: what a disk holds is the image that it is on. */
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCloud, servicesOf, type Cloud } from '@etcd-compute/cloud';
import type { BootOptions } from '@etcd-compute/cloud/boot/boot';
import type { DrainOptions } from '@etcd-compute/cloud/hosts/drain';
import { moveStopped } from '@etcd-compute/cloud/hosts/move-stopped';
import type { InstanceView } from '@etcd-compute/cloud/instances/view';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { toDiskCopy } from '@etcd-compute/common/etcd/messages/shelved';
import { snapshotSchema } from '@etcd-compute/common/etcd/messages/snapshot';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import { giveHost } from '@etcd-compute/cloud/shelving/unshelve';
import { findInstance } from '@etcd-compute/cloud/instances/find-instance';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasPlacementService } from '../fixtures/counting.js';
import { start } from '../fixtures/eschedule-fixture.js';
import { heldBy, hostOf, rawImage, startWorld, waitForState, type World } from '../fixtures/agent-world.js';

let world: World;
let capacity: Capacity;
let cloud: Cloud;
let here: Ecompute;
let there: Ecompute;

const startHost = async (name: string): Promise<Ecompute> =>
  world.startAgent({
    config: {
      name,
      traits: [`CUSTOM_${name.toUpperCase()}`],
      images: { allow_private: ['127.0.0.1'] },
      timeouts: { disk: 1 },
      audit: { grace: 1 },
      period: 1,
    },
  });

beforeAll(async () => {
  world = await startWorld();
  capacity = world.capacity;
  cloud = createCloud({ store: world.store, capacity });
  [here, there] = await Promise.all([startHost('here'), startHost('there')]);
});
afterAll(async () => {
  for (const agent of [here, there]) await agent[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const WAIT = { waitMs: 60_000 };

afterEach(async () => {
  for (const name of ['here', 'there']) await cloud.hosts.undrain(name).catch(() => undefined);
  const { instances } = await cloud.list();
  for (const { instance, locked } of instances) if (locked) await cloud.ask('unlock', [instance], WAIT);
  await cloud.destroy(
    instances.map(({ instance }) => instance),
    WAIT,
  );
  await waitFor(
    async () => (await listCopies()).length === 0 || cloud.audit({ isFixing: true, ...WAIT }).then(() => false),
    {
      what: 'no copies to be left',
    },
  );
});

/** A drained host takes nothing, so the other one is chosen. */
const onlyOn = async (agent: Ecompute): Promise<void> => {
  await cloud.hosts.undrain(agent === here ? 'here' : 'there').catch(() => undefined);
  await cloud.hosts.drain(agent === here ? 'there' : 'here').catch(() => undefined);
  await waitFor(async () => (await cloud.hosts.list()).filter(({ state }) => state === 'up').length === 1, {
    what: 'one host to be drained',
  });
};

let images = 0;

const bootOn = async (agent: Ecompute, options: Partial<BootOptions> = {}): Promise<InstanceUuid> => {
  images += 1;
  const path = join(world.dir.path, `image-${images}`);
  await writeFile(path, rawImage(4096, images));
  world.images.setFile(`image-${images}`, path);
  await onlyOn(agent);
  const want = { resources: { VCPU: 1, MEMORY_MB: 64, DISK_GB: 1 } };
  const image = world.images.url(`image-${images}`);
  const { booted, errors } = await cloud.boot({ want, image, retries: 2, ...WAIT, ...options });
  expect(errors).toEqual([]);
  return instanceUuidSchema.parse(booted[0]?.instance.instance);
};

const shelve = async (instance: InstanceUuid) => cloud.ask('shelve', [instance], { args: { hard: true }, ...WAIT });

const requestOf = async (instance: InstanceUuid): Promise<BootRequest> => {
  const { entries } = await world.store.list(world.keys.requests);
  const found = entries.filter(({ key }) => key.endsWith(instance));
  expect(found).toHaveLength(1);
  return parseMessage(bootRequestSchema, found[0]?.key ?? '', found[0]?.value ?? '');
};

const listCopies = async () => {
  const { entries } = await world.store.list(world.keys.images);
  return entries.flatMap(({ key, value }) => {
    if (!world.keys.parseImageSnapshot(key)) return [];
    return toDiskCopy(parseMessage(snapshotSchema, key, value)) ?? [];
  });
};

const imagesOn = async (agent: Ecompute): Promise<string[]> =>
  (await readdir(join(agent.stateDir, 'images'))).filter((name) => /\.(img|part)$/.test(name));

const stateOf = ({ state, power, hostName, fault }: InstanceView) => ({ state, power, hostName, fault });

describe('shelve', () => {
  test('leaves the copy and nothing else; the instance comes back on another host with its data, and runs again', async () => {
    const instance = await bootOn(here, { name: 'web' });
    const { image } = await requestOf(instance);
    expect((await shelve(instance)).errors).toEqual([]);
    expect(stateOf(await cloud.get('web'))).toEqual({
      state: 'shelved',
      power: 'stopped',
      hostName: 'here',
      fault: null,
    });
    expect(await heldBy(world, instance)).toEqual({});
    const [copy] = await listCopies();
    const content = await readFile(join(here.stateDir, 'images', `${copy?.sha256}.img`));
    expect(createHash('sha256').update(content).digest('hex')).toBe(copy?.sha256);
    expect(await requestOf(instance)).toMatchObject({ image, shelved: { was_running: true, copies: [copy] } });

    await onlyOn(there);
    const { instances, errors } = await cloud.unshelve(['web'], WAIT);
    expect(errors).toEqual([]);
    expect(instances.map(stateOf)).toEqual([{ state: 'active', power: 'running', hostName: 'there', fault: null }]);
    expect(await requestOf(instance)).toMatchObject({ image, instance });
    expect(await requestOf(instance)).not.toHaveProperty('shelved');
    expect(Object.keys(await heldBy(world, instance))).toEqual([there.uuid]);
    expect((await readFile(join(there.stateDir, 'images', `${copy?.sha256}.img`))).equals(content)).toBe(true);
    expect(await listCopies()).toEqual([]);
    expect(await imagesOn(here)).not.toContain(`${copy?.sha256}.img`);
    expect((await cloud.audit()).findings).toEqual([]);
  });

  test('of one that is stopped: it comes back stopped, on the host that it was on, with all its disks', async () => {
    const want = { resources: { VCPU: 1, MEMORY_MB: 64, DISK_GB: 3 } };
    const instance = await bootOn(here, { want, addDisks: [1, 1] });
    await cloud.ask('stop', [instance], { args: { hard: true }, ...WAIT });
    expect((await shelve(instance)).errors).toEqual([]);
    expect(await listCopies()).toHaveLength(3);
    const { instances, errors } = await cloud.unshelve([instance], WAIT);
    expect(errors).toEqual([]);
    expect(instances.map(stateOf)).toEqual([{ state: 'stopped', power: 'stopped', hostName: 'here', fault: null }]);
    expect(await listCopies()).toEqual([]);
    expect((await cloud.ask('start', [instance], WAIT)).errors).toEqual([]);
    expect((await cloud.get(instance)).state).toBe('active');
    // A second time, the copies are others.
    expect((await shelve(instance)).errors).toEqual([]);
    expect((await cloud.unshelve([instance], WAIT)).errors).toEqual([]);
    expect((await cloud.get(instance)).state).toBe('active');
    expect((await cloud.audit()).findings).toEqual([]);
  });

  test('of an instance that is destroyed then: its copies go with it', async () => {
    const instance = await bootOn(here);
    await shelve(instance);
    const [copy] = await listCopies();
    expect(await imagesOn(here)).toContain(`${copy?.sha256}.img`);
    await cloud.destroy([instance], WAIT);
    expect(await listCopies()).toEqual([]);
    expect(await imagesOn(here)).not.toContain(`${copy?.sha256}.img`);
  });
});

describe('one that is shelved', () => {
  test('can be renamed and locked, and takes no other wish; one that waited for its turn fails', async () => {
    const instance = await bootOn(here, { name: 'aside' });
    await cloud.ask('shelve', [instance], { args: { hard: true } });
    const { errors } = await cloud.ask('reset', [instance], WAIT);
    expect(errors).toMatchObject([
      { code: 'ECOMPUTE_WISH_FAILED', message: expect.stringContaining('is shelved, and has no guest') },
    ]);
    await expect(cloud.ask('start', [instance], WAIT)).rejects.toMatchObject({
      code: 'ECOMPUTE_WISH_REFUSED',
      message: expect.stringContaining('is shelved, and can be started only when'),
    });
    expect((await cloud.ask('rename', [instance], { args: { name: 'asleep' }, ...WAIT })).errors).toEqual([]);
    expect((await cloud.ask('lock', ['asleep'], WAIT)).errors).toEqual([]);
    expect(await cloud.get('asleep')).toMatchObject({ state: 'shelved', name: 'asleep', locked: {} });
    await expect(cloud.unshelve(['asleep'])).rejects.toMatchObject({ code: 'ECOMPUTE_INSTANCE_LOCKED' });
  });

  test('keeps its host from being removed, and its copy from being removed by hand', async () => {
    const instance = await bootOn(here);
    await shelve(instance);
    const [copy] = await listCopies();
    const name = `shelved-${instance}`;
    await expect(cloud.images.remove(`snapshot:${name}`, WAIT)).rejects.toMatchObject({
      code: 'ECOMPUTE_SNAPSHOT_UNKNOWN',
    });
    await expect(cloud.images.remove(`sha256:${copy?.sha256}`, { ...WAIT, hosts: ['here'] })).resolves.toMatchObject({
      hosts: [{ state: 'failed', detail: expect.stringContaining(`shelved instance ${instance} comes back from it`) }],
    });
    expect((await cloud.images.list({ hosts: ['here'] })).flatMap(({ snapshots }) => snapshots)).toMatchObject([
      { name },
    ]);
    expect((await cloud.audit({ isFixing: true, ...WAIT })).findings).toEqual([]);
    expect(await listCopies()).toEqual([copy]);
    await here.stop();
    await expect(cloud.hosts.remove('here')).rejects.toMatchObject({ code: 'ECOMPUTE_HOST_IN_USE' });
    await here.restart();
    await waitFor(async () => (await cloud.hosts.list()).every(({ state }) => state !== 'down'), {
      what: 'the agent to be back',
    });
  });

  test('is built again from its copy on the next host when the first cannot; the copy stays until then', async () => {
    const instance = await bootOn(here);
    await shelve(instance);
    const copies = await listCopies();
    await onlyOn(there);
    await here.stop();
    const failed = await cloud.unshelve([instance], WAIT);
    expect(failed.errors).toMatchObject([
      { code: 'ECOMPUTE_INSTANCE_FAILED', message: expect.stringContaining('which holds it') },
    ]);
    expect(await cloud.get(instance)).toMatchObject({ state: 'error', hostName: 'there' });
    expect(await heldBy(world, instance)).toEqual({});
    await here.restart();
    await waitFor(async () => (await cloud.hosts.list()).every(({ state }) => state !== 'down'), {
      what: 'the agent to be back',
    });
    expect(await listCopies()).toEqual(copies);
    const { instances, errors } = await cloud.unshelve([instance], WAIT);
    expect(errors).toEqual([]);
    expect(instances.map(stateOf)).toEqual([{ state: 'active', power: 'running', hostName: 'there', fault: null }]);
    expect(await listCopies()).toEqual([]);
  });
});

describe('whoever unshelves one and dies', () => {
  const services = (changes: Partial<Capacity> = {}) =>
    servicesOf({ store: world.store, capacity: { ...capacity, ...changes }, patienceMs: 1 });

  test.runIf(hasPlacementService)(
    'between the allocation and the txn leaves room: the next one uses it, else it is released',
    async () => {
      const instance = await bootOn(here);
      await shelve(instance);
      const died = new Error('died on purpose');
      const dying = services({
        reallocate: async (...args) => {
          await capacity.reallocate(...args);
          throw died;
        },
      });
      await expect(giveHost(dying, await findInstance(dying, instance))).rejects.toBe(died);
      expect(Object.keys(await heldBy(world, instance))).toEqual([here.uuid]);
      expect((await cloud.get(instance)).state).toBe('shelved');
      // Its own host: there is a request, and yet nothing that needs the room.
      await waitFor(async () => Object.keys(await heldBy(world, instance)).length === 0, {
        what: 'the room to be released',
      });
      await expect(giveHost(dying, await findInstance(dying, instance))).rejects.toBe(died);
      expect((await cloud.unshelve([instance], WAIT)).errors).toEqual([]);
      expect(Object.keys(await heldBy(world, instance))).toEqual([here.uuid]);
    },
  );

  test('after the txn leaves an instance that comes back, and a copy that an audit removes', async () => {
    const instance = await bootOn(here);
    await shelve(instance);
    expect((await cloud.unshelve([instance])).errors).toEqual([]);
    await waitForState(world, instance, 'active');
    expect(await listCopies()).toHaveLength(1);
    expect((await cloud.audit()).findings).toMatchObject([{ kind: 'copy-without-use', instance }]);
    expect((await cloud.audit({ isFixing: true, ...WAIT })).findings).toMatchObject([{ mended: { state: 'fixed' } }]);
    expect(await listCopies()).toEqual([]);
    expect((await cloud.get(instance)).state).toBe('active');
  });

  test('while another one is quicker is told that it is back', async () => {
    const instance = await bootOn(here);
    await shelve(instance);
    const slow = services({
      candidates: async (...args) => {
        const found = await capacity.candidates(...args);
        expect((await cloud.unshelve([instance], WAIT)).errors).toEqual([]);
        return found;
      },
    });
    const { record } = await giveHost(slow, await findInstance(slow, instance));
    expect(record).toMatchObject({ instance, state: 'active' });
    expect(await heldBy(world, instance)).toMatchObject({ [record.host]: {} });
    expect((await cloud.audit()).findings).toEqual([]);
  });

  test('of two at once, one does it, and both see it come back', async () => {
    const instance = await bootOn(here);
    await shelve(instance);
    await cloud.hosts.undrain('there');
    const results = await Promise.all([cloud.unshelve([instance], WAIT), cloud.unshelve([instance], WAIT)]);
    expect(results.flatMap(({ errors }) => errors)).toEqual([]);
    expect(Object.keys(await heldBy(world, instance))).toHaveLength(1);
    await requestOf(instance);
  });
});

test('one that is not shelved is refused, and where no host has room it stays as it is', async () => {
  const instance = await bootOn(here);
  await expect(cloud.unshelve([instance], WAIT)).rejects.toMatchObject({
    code: 'ECOMPUTE_WISH_REFUSED',
    message: expect.stringContaining('is active, and can be unshelved only when it is shelved'),
  });
  await shelve(instance);
  await cloud.hosts.drain('here', WAIT);
  const { errors } = await cloud.unshelve([instance], WAIT);
  expect(errors).toMatchObject([
    { code: 'ECOMPUTE_NO_CANDIDATES', message: expect.stringContaining('it is drained since') },
  ]);
  expect((await cloud.get(instance)).state).toBe('shelved');
  await expect(cloud.ask('snapshot', [instance], { args: { name: `shelved-${instance}` } })).rejects.toThrow(
    'expected a name that is not that of a shelved instance’s copy',
  );
});

const stop = async (instance: InstanceUuid): Promise<void> => {
  expect((await cloud.ask('stop', [instance], { args: { hard: true }, ...WAIT })).errors).toEqual([]);
};

describe('a host that is drained', () => {
  const drainHere = async (options: DrainOptions = WAIT): Promise<Record<string, string>> => {
    await cloud.hosts.undrain('there').catch(() => undefined);
    await waitFor(async () => (await cloud.hosts.list()).every(({ state }) => state === 'up'), { what: 'both hosts' });
    const { stays } = await cloud.hosts.drain('here', options);
    return Object.fromEntries(stays.map(({ name, state, reason }) => [name, `${state}: ${reason}`]));
  };

  test('gives instances that are stopped to the other host, and says of all others why they stay', async () => {
    const off = await Promise.all(['off-1', 'off-2', 'off-3'].map(async (name) => bootOn(here, { name })));
    const runs = await bootOn(here, { name: 'runs' });
    const locked = await bootOn(here, { name: 'locked' });
    const resources = { VCPU: 1, MEMORY_MB: 64, DISK_GB: 1 };
    const bound = await bootOn(here, { name: 'bound', want: { resources, required: ['CUSTOM_HERE'] } });
    const aside = await bootOn(here, { name: 'aside' });
    for (const instance of [...off, locked, bound]) await stop(instance);
    await cloud.ask('lock', [locked], WAIT);
    await shelve(aside);
    const left = await drainHere();
    expect(left).toEqual({
      runs: 'active: it runs',
      locked: 'stopped: it is locked',
      aside: 'shelved: it is shelved, and its copies are here',
      bound: expect.stringMatching(/^stopped: no host has room for the instance .*there: .*CUSTOM_HERE/s),
    });
    for (const instance of off)
      expect(stateOf(await cloud.get(instance))).toMatchObject({ state: 'stopped', hostName: 'there', fault: null });
    for (const instance of [runs, locked, bound]) expect((await cloud.get(instance)).hostName).toBe('here');
    expect((await listCopies()).map(({ disk }) => disk)).toEqual([aside]);
    expect((await cloud.ask('start', [off[0] ?? ''], WAIT)).errors).toEqual([]);
    expect((await cloud.audit()).findings).toEqual([]);
  });

  test('leaves what it has no time for as it is', async () => {
    const instance = await bootOn(here, { name: 'off' });
    await stop(instance);
    await cloud.hosts.undrain('there');
    await waitFor(async () => (await cloud.hosts.list()).every(({ state }) => state === 'up'), { what: 'both hosts' });
    const services = servicesOf({ store: world.store, capacity });
    const { signal } = new AbortController();
    const running = { signal, emit: () => undefined, guard: async <T>(task: () => Promise<T>) => task() };
    const failures = await moveStopped(services, { instances: [instance], timeoutMs: 0 }, running);
    expect(failures.get(instance)).toContain('there was no time left to move instance off');
    expect((await requestOf(instance)).wishes?.map(({ kind }) => kind)).toEqual(['stop']);
    expect((await cloud.get(instance)).state).toBe('stopped');
  });

  test('keeps what is stopped when it is told to, or is not waited for', async () => {
    const instance = await bootOn(here, { name: 'off' });
    await stop(instance);
    expect(await drainHere({ ...WAIT, isMoving: false })).toEqual({ off: 'stopped: it is stopped' });
    await cloud.hosts.undrain('here');
    expect(await drainHere({})).toEqual({ off: 'stopped: it is stopped' });
    expect((await cloud.get(instance)).hostName).toBe('here');
  });
});

test('the commands: shelve, list, image list, unshelve', async () => {
  const { etcd, placement } = world;
  const path = join(world.dir.path, 'schedule.yaml');
  const { host, port } = etcd;
  await writeFile(path, JSON.stringify({ etcd: { host, port }, placement: placement.section }));
  const eschedule = async (...argv: string[]) => start([...argv, '--config', path], world.dir.path).finished;
  const instance = await bootOn(here, { name: 'typed' });
  expect(await eschedule('shelve', 'typed', '--hard')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect((await eschedule('list')).stdout).toMatch(/^typed +\S+ +shelved +here +-$/m);
  expect((await eschedule('image', 'list')).stdout).toContain(`snapshot:shelved-${instance}`);
  expect((await eschedule('start', 'typed')).stderr).toContain(`hint: \`eschedule unshelve ${instance}\` first`);
  expect((await eschedule('console', 'typed')).stderr).toContain('could not open the console');
  expect(await eschedule('unshelve', 'typed', '-o', 'name')).toEqual({ code: 0, stdout: `${instance}\n`, stderr: '' });
  expect(await eschedule('unshelve', 'typed')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is active, and can be unshelved only when it is shelved'),
  });
  expect((await eschedule('show', 'typed')).stdout).toMatch(
    /shelved +asked to be shelved\n.* scheduled +unshelved on here$/m,
  );
});

test('the room that it has by now is asked for, not that of its boot', async () => {
  const instance = await bootOn(here);
  await cloud.ask('resize', [instance], { args: { vcpus: 2, restart: true }, ...WAIT });
  await shelve(instance);
  expect((await cloud.unshelve([instance], WAIT)).errors).toEqual([]);
  expect(await heldBy(world, instance)).toMatchObject({
    [hostOf(here)]: { resources: { VCPU: 2, MEMORY_MB: 64, DISK_GB: 1 } },
  });
});
