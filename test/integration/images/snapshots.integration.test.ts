/** Snapshots between two agents, on libvirt's test driver: its disks are what their images are. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCloud, type Cloud } from '@etcd-compute/cloud';
import type { BootOptions } from '@etcd-compute/cloud/boot/boot';
import { bootRequestSchema } from '@etcd-compute/common/etcd/messages/boot-request';
import { snapshotSchema, type Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { runCommand } from '@etcd-compute/testing/run-command';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { askToDestroy, boot, hostOf, rawImage, startWorld, waitForState, type World } from '../fixtures/agent-world.js';
import { start } from '../fixtures/eschedule-fixture.js';

let world: World;
let cloud: Cloud;
let holder: Ecompute;
let other: Ecompute;

const startHost = async (name: string, traits: readonly string[]): Promise<Ecompute> =>
  world.startAgent({
    config: {
      name,
      traits,
      images: { allow_private: ['127.0.0.1'] },
      // So long is an image kept that was just given to a boot.
      timeouts: { disk: 1 },
      period: 1,
    },
  });

beforeAll(async () => {
  world = await startWorld();
  cloud = createCloud({ store: world.store, capacity: world.capacity });
  [holder, other] = await Promise.all([startHost('holder', ['CUSTOM_HOLDER']), startHost('other', ['CUSTOM_OTHER'])]);
});
afterAll(async () => {
  for (const agent of [holder, other]) await agent[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const WAIT = { waitMs: 60_000 };

let images = 0;

/** The URL of an image that no host has: of the same image, all snapshots would be the same. */
const newImage = async (): Promise<string> => {
  images += 1;
  const path = join(world.dir.path, `image-${images}`);
  await writeFile(path, rawImage(4096, images));
  world.images.setFile(`image-${images}`, path);
  return world.images.url(`image-${images}`);
};

const wantOn = (agent: Ecompute): BootOptions['want'] => ({
  resources: { VCPU: 1, MEMORY_MB: 64, DISK_GB: 1 },
  required: [agent === holder ? 'CUSTOM_HOLDER' : 'CUSTOM_OTHER'],
});

const bootOn = async (agent: Ecompute, image?: string): Promise<InstanceUuid> => {
  const options = { want: wantOn(agent), image: image ?? (await newImage()), retries: 0, ...WAIT };
  const { booted, errors } = await cloud.boot(options);
  expect(errors).toEqual([]);
  return instanceUuidSchema.parse(booted[0]?.instance.instance);
};

afterEach(async () => {
  const { instances } = await cloud.list();
  await cloud.destroy(
    instances.map(({ instance }) => instance),
    WAIT,
  );
  for (const { snapshots } of await cloud.images.list())
    for (const { name } of snapshots) await cloud.images.remove(`snapshot:${name}`, WAIT);
});

const snapshot = async (instance: InstanceUuid, name: string) =>
  cloud.ask('snapshot', [instance], { args: { name }, ...WAIT });

const findSnapshot = async (name: string): Promise<Snapshot | undefined> => {
  const key = world.keys.imageSnapshot(hostOf(holder), { project: 'default', name });
  const entry = await world.store.get(key);
  return entry && parseMessage(snapshotSchema, key, entry.value);
};

const imageOn = (agent: Ecompute, { sha256 }: Pick<Snapshot, 'sha256'>): string =>
  join(agent.stateDir, 'images', `${sha256}.img`);

const leftOn = async (agent: Ecompute): Promise<string[]> =>
  (await readdir(join(agent.stateDir, 'images'))).filter((name) => name.endsWith('.part'));

const taken = async (name: string): Promise<Snapshot> => {
  const instance = await bootOn(holder);
  expect((await snapshot(instance, name)).errors).toEqual([]);
  const found = await findSnapshot(name);
  if (!found) throw new Error(`there is no snapshot ${name}`);
  return found;
};

test('an instance boots from it on another host, which fetches it from the agent that holds it', async () => {
  const instance = await bootOn(holder);
  expect((await snapshot(instance, 'golden')).errors).toEqual([]);
  const found = await findSnapshot('golden');
  expect(found).toMatchObject({ name: 'golden', project: 'default', instance, host: holder.uuid, virtual_bytes: 4096 });
  if (!found) return;
  const content = await readFile(imageOn(holder, found));
  expect(createHash('sha256').update(content).digest('hex')).toBe(found.sha256);
  expect((await cloud.get(instance)).outcomes.at(-1)).toMatchObject({ kind: 'snapshot', fault: null });
  expect(await cloud.images.list({ hosts: ['holder'] })).toContainEqual(
    expect.objectContaining({
      digest: `sha256:${found.sha256}`,
      snapshots: [expect.objectContaining({ name: 'golden', instance })],
    }),
  );

  const second = await bootOn(other, 'snapshot:golden');
  expect((await cloud.get(second)).image).toBe(`snapshot:golden@sha256:${found.sha256}`);
  expect((await readFile(imageOn(other, found))).equals(content)).toBe(true);
  // Without its source, what an image holds is on the disk: the test driver's disks are their images.
  const { stdout } = await runCommand(['qemu-img', 'info', '--output=json', imageOn(other, found)]);
  expect(JSON.parse(stdout)).toMatchObject({ format: 'qcow2', 'virtual-size': 4096 });
  // On its own host nothing is fetched.
  await bootOn(holder, 'snapshot:golden');
  expect(await Promise.all([leftOn(holder), leftOn(other)])).toEqual([[], []]);
});

test('a request that waits is valid when the agent that holds the image is back at another port; while it is away, a boot fails', async () => {
  await taken('moved');
  const portOf = async (): Promise<unknown> =>
    JSON.parse((await world.store.get(world.keys.endpoint(hostOf(holder))))?.value ?? '{}').port;
  const before = await portOf();
  await holder.stop();
  const away = await cloud.boot({ want: wantOn(other), image: 'snapshot:moved', retries: 0, ...WAIT });
  expect(away.errors).toMatchObject([
    {
      code: 'ECOMPUTE_INSTANCE_FAILED',
      message: expect.stringContaining(`could not fetch snapshot:moved@sha256:`),
    },
  ]);
  other.kill('SIGSTOP');
  const { booted } = await cloud.boot({ want: wantOn(other), image: 'snapshot:moved' });
  await holder.restart();
  await waitFor(async () => (await portOf()) !== before && (await portOf()) !== undefined, { what: 'another port' });
  other.kill('SIGCONT');
  await waitForState(world, instanceUuidSchema.parse(booted[0]?.instance.instance), 'active');
});

describe('names', () => {
  test('of two who want the same at once, one gets it; the other is told', async () => {
    const instances = await Promise.all([bootOn(holder), bootOn(other)]);
    const asked = await Promise.allSettled(instances.map(async (instance) => snapshot(instance, 'wanted')));
    expect(asked.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const refused = asked.find(({ status }) => status === 'rejected');
    expect(refused).toMatchObject({ reason: { code: 'ECOMPUTE_SNAPSHOT_NAME_TAKEN' } });
    const { entries } = await world.store.list('/images/');
    expect(entries.filter(({ key }) => key.endsWith('/snapshots/default/wanted'))).toHaveLength(1);
  });

  test('of one that could not be taken is free again; nothing is left of it', async () => {
    const instance = await bootOn(holder);
    const image = imageOn(holder, { sha256: createHash('sha256').update(rawImage(4096, images)).digest('hex') });
    await rename(image, `${image}.away`);
    const failed = await snapshot(instance, 'again');
    expect(failed.errors).toMatchObject([
      { code: 'ECOMPUTE_WISH_FAILED', details: { fault: { code: 'ECOMPUTE_SNAPSHOT_FAILED', step: 'take-snapshot' } } },
    ]);
    expect(failed.errors[0]?.message).toContain('No such file or directory');
    expect(await findSnapshot('again')).toBeUndefined();
    expect(await leftOn(holder)).toEqual([]);
    await rename(`${image}.away`, image);
    expect((await snapshot(instance, 'again')).errors).toEqual([]);
    expect(await findSnapshot('again')).toMatchObject({ count: 2 });
  });

  test('two that are asked for at once are both taken, and one that stops the guest too', async () => {
    const instance = await bootOn(holder);
    await cloud.ask('snapshot', [instance], { args: { name: 'one' } });
    await cloud.ask('stop', [instance], { args: { hard: true } });
    const { errors } = await snapshot(instance, 'two');
    expect(errors).toEqual([]);
    expect([(await findSnapshot('one'))?.count, (await findSnapshot('two'))?.count]).toEqual([1, 3]);
    await waitForState(world, instance, 'stopped');
  });
});

describe('the only copy', () => {
  test('keeps its host from being removed', async () => {
    await taken('lost');
    await holder.stop();
    await expect(cloud.hosts.remove('holder')).rejects.toMatchObject({
      code: 'ECOMPUTE_HOST_IN_USE',
      message: expect.stringMatching(/snapshots, which are lost with it: lost/),
    });
    await holder.restart();
  });

  test('stays, however old it is; what etcd has lost of it is written again', async () => {
    const found = await taken('kept');
    const image = imageOn(holder, found);
    await utimes(image, 1, 1);
    await world.etcdctl('del', world.keys.imageSnapshot(hostOf(holder), found));
    await waitFor(async () => (await findSnapshot('kept'))?.id === found.id, { what: 'the key to be there again' });
    await holder.restart();
    await waitFor(
      async () => (await cloud.images.list({ hosts: ['holder'] })).some(({ snapshots }) => snapshots.length > 0),
      { what: 'the report of the next agent' },
    );
    expect((await stat(image)).isFile()).toBe(true);
    await expect(cloud.images.remove(`sha256:${found.sha256}`, { ...WAIT, hosts: ['holder'] })).resolves.toMatchObject({
      hosts: [{ state: 'failed', detail: expect.stringContaining("it is the snapshot 'kept'") }],
    });
    await bootOn(other, 'snapshot:kept');
  });

  test('is removed by its name; while a disk is on it, the image stays', async () => {
    const found = await taken('removed');
    const user = await bootOn(holder, 'snapshot:removed');
    await expect(cloud.images.remove('snapshot:removed', WAIT)).resolves.toMatchObject({
      hosts: [{ state: 'done', detail: expect.stringContaining('its image stays') }],
      errors: [],
    });
    expect(await findSnapshot('removed')).toBeUndefined();
    expect(await world.store.get(world.keys.snapshot(found))).toBeUndefined();
    expect((await stat(imageOn(holder, found))).isFile()).toBe(true);
    expect(await cloud.get(user)).toMatchObject({ state: 'active' });
    await expect(bootOn(other, 'snapshot:removed')).rejects.toMatchObject({ code: 'ECOMPUTE_SNAPSHOT_UNKNOWN' });
    await expect(cloud.images.remove('snapshot:removed', WAIT)).rejects.toMatchObject({
      code: 'ECOMPUTE_SNAPSHOT_UNKNOWN',
    });
  });
});

test('what an agent was told to boot from is refused clearly when it is gone meanwhile', async () => {
  const found = await taken('gone');
  const instance = await bootOn(other, 'snapshot:gone');
  const { entries } = await world.store.list(world.keys.requestsOf(hostOf(other)));
  const request = entries
    .map(({ key, value }) => parseMessage(bootRequestSchema, key, value))
    .find((one) => one.instance === instance);
  expect(request?.image_source).toEqual({ host: holder.uuid, id: found.id, key: found.key });
  await cloud.images.remove('snapshot:gone', WAIT);
  await cloud.destroy([instance], WAIT);
  await waitFor(
    async () => {
      const { hosts } = await cloud.images.remove(`sha256:${found.sha256}`, { ...WAIT, hosts: ['other'] });
      return hosts[0]?.state === 'done';
    },
    { what: 'the copy of the other host to be removed' },
  );
  const image = `snapshot:gone@sha256:${found.sha256}`;
  await expect(cloud.boot({ want: wantOn(other), image, ...WAIT })).rejects.toMatchObject({
    code: 'ECOMPUTE_SNAPSHOT_UNKNOWN',
  });
  // As of a request that was written before.
  const guest = { image_source: request?.image_source };
  const late = await boot(world, other.uuid, { image, guest });
  const { fault } = await waitForState(world, late, 'error');
  expect(fault).toMatchObject({ code: 'ECOMPUTE_IMAGE_DOWNLOAD_FAILED', hint: expect.stringContaining('removed') });
  await askToDestroy(world, other.uuid, late);
  await waitForState(world, late, 'deleted');
});

test('the commands: snapshot, image list, boot, image remove', async () => {
  const { etcd, placement } = world;
  const config = JSON.stringify({
    etcd: { host: etcd.host, port: etcd.port },
    placement: placement.section,
  });
  const path = join(world.dir.path, 'schedule.yaml');
  await writeFile(path, config);
  const eschedule = async (...argv: string[]) => start([...argv, '--config', path], world.dir.path).finished;
  const instance = await bootOn(holder);
  expect(await eschedule('snapshot', instance, 'typed')).toEqual({ code: 0, stdout: '', stderr: '' });
  const again = await eschedule('snapshot', instance, 'typed');
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("there is a snapshot 'typed' in project") });
  expect(again.stderr).toContain('eschedule image rm snapshot:typed');
  expect((await eschedule('image', 'list')).stdout).toMatch(/^sha256:\S+ +holder .* snapshot:typed$/m);
  expect(
    await eschedule('boot', '--image', 'snapshot:typed', '--trait', 'CUSTOM_OTHER', '--name', 'clone'),
  ).toMatchObject({ code: 0 });
  expect(await eschedule('image', 'remove', 'snapshot:typed')).toMatchObject({ code: 0 });
  expect(await eschedule('boot', '--image', 'snapshot:typed')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("there is no snapshot 'typed'"),
  });
  for (const [argv, said] of [
    [['snapshot', instance], 'snapshot takes an instance and a name'],
    [['snapshot', instance, 'No'], "the name 'No' is not usable"],
    [['boot', '--image', 'snapshot:No'], 'is not usable'],
    [['boot', '--image', 'snapshot:a', '--checksum', `sha256:${'0'.repeat(64)}`], '--checksum goes with a URL'],
  ] as const)
    expect(await eschedule(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
});
