import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { apiConfigSchema } from '@etcd-compute/api/server/config';
import { openImages, type OpenedImages } from '@etcd-compute/api/server/open-images';
import { createCloud } from '@etcd-compute/cloud';
import { createSnapshotImage } from '@etcd-compute/api/image/engine/snapshot-image';
import { resolveBootImage } from '@etcd-compute/api/image/engine/boot-image';
import { silentLogger } from '@etcd-compute/common/log';
import { startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { qcow2 } from '../../../packages/common/test/images/bad-images.js';
import { openImageClient, type ImageClient } from '../../../packages/api/test/image/image-client.js';
import { boot, hostOf, rawImage, startWorld, waitForState, type World } from '../fixtures/agent-world.js';

/** Agents boot from what users have uploaded. */
let world: World;
let eapi: EapiServer;
let agent: Ecompute;
let opened: OpenedImages;
let client: ImageClient;
beforeAll(async () => {
  world = await startWorld();
  eapi = await startEapi({ etcd: world.etcd });
  client = await openImageClient(eapi, join(world.dir.path, 'clouds.yaml'));
  agent = await world.startAgent({ config: { images: { allow_private: ['127.0.0.1'] } } });
  const { host, port } = world.etcd;
  const config = apiConfigSchema.parse({ etcd: { host, port }, images: { folder: join(world.dir.path, 'other') } });
  opened = await openImages({ config, etcd: world.store, log: silentLogger() });
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
  await agent.stop();
  await eapi.stop();
  await world[Symbol.asyncDispose]();
});

const ADMIN = { projectId: 'admin', roles: ['admin'], isSystem: false };

test.each([
  ['raw', rawImage(8192, 3)],
  ['qcow2', qcow2()],
])('an agent boots from a %s image that a user has uploaded', async (disk_format, content) => {
  const id = await client.create({ disk_format });
  await client.upload(id, content);
  const { image, source } = await resolveBootImage(opened.images, ADMIN, id);
  const instance = await boot(world, hostOf(agent), { image, guest: { image_source: source } });
  expect((await waitForState(world, instance, 'active')).fault).toBeNull();
  // What it has it needs nobody for.
  await client.delete(`images/${id}`);
  const again = await boot(world, hostOf(agent), { image, guest: { image_source: source } });
  await waitForState(world, again, 'active');
});

test('a key lets in to its own content alone; of a deleted image the instance says so', async () => {
  const [one, two] = [await client.create({}), await client.create({})];
  await client.upload(one, rawImage(4096, 11));
  await client.upload(two, rawImage(4096, 12));
  const { image } = await resolveBootImage(opened.images, ADMIN, one);
  const { source } = await resolveBootImage(opened.images, ADMIN, two);
  const stolen = await boot(world, hostOf(agent), { image, guest: { image_source: source } });
  const refused = await waitForState(world, stolen, 'error');
  expect(JSON.stringify(refused.fault)).toContain('could not fetch');

  const right = await resolveBootImage(opened.images, ADMIN, one);
  await client.delete(`images/${one}`);
  const late = await boot(world, hostOf(agent), { image, guest: { image_source: right.source } });
  const gone = await waitForState(world, late, 'error');
  expect(JSON.stringify(gone.fault)).toContain('no image server has it any more');
});

test('a snapshot of an instance becomes an image like any other, and its host forgets it', async () => {
  const cloud = createCloud({ store: world.store, capacity: world.capacity, project: 'ours' });
  const { booted } = await cloud.boot({
    want: { resources: { VCPU: 1, MEMORY_MB: 64, DISK_GB: 1 } },
    image: world.imageUrl,
    waitMs: 60_000,
  });
  const instance = booted[0]?.instance.instance ?? '';
  const id = randomUUID();
  const { snapshotName } = await createSnapshotImage(opened.images, {
    id,
    name: 'of a server',
    owner: 'ours',
    project: 'ours',
    properties: { image_type: 'snapshot' },
    minDiskGiB: 1,
    minRamMiB: 0,
  });
  expect((await client.get(`images/${id}`)).body).toMatchObject({ status: 'saving', visibility: 'private' });
  expect((await client.upload(id, rawImage())).status).toBe(409);
  const asked = await cloud.ask('snapshot', [instance], { args: { name: snapshotName }, waitMs: 60_000 });
  expect(asked.errors).toEqual([]);
  await expect.poll(async () => (await client.get(`images/${id}`)).body.status).toBe('active');
  // By another server than the one that has fetched it from the host.
  const { content } = await client.download(id);
  const { body } = await client.get(`images/${id}`);
  expect(createHash('md5').update(content).digest('hex')).toBe(body.checksum);
  expect(body).toMatchObject({ disk_format: 'qcow2', size: content.length, image_type: 'snapshot' });
  await expect.poll(() => opened.images.store.view().list('snapshot')).toEqual([]);
  expect((await world.store.list(world.keys.imageSnapshotsOf(hostOf(agent)))).entries).toEqual([]);

  const { image, source } = await resolveBootImage(opened.images, ADMIN, id);
  const again = await boot(world, hostOf(agent), { image, guest: { image_source: source } });
  await waitForState(world, again, 'active');
});

test('a snapshot that cannot be taken leaves no image; of an image that was deleted, the host forgets its snapshot', async () => {
  const cloud = createCloud({ store: world.store, capacity: world.capacity, project: 'ours' });
  const [instance = ''] = (await cloud.list()).instances.map(({ instance: uuid }) => uuid);
  const order = { name: 'x', owner: 'ours', project: 'ours', properties: {}, minDiskGiB: 0, minRamMiB: 0 };
  const id = randomUUID();
  const { snapshotName } = await createSnapshotImage(opened.images, { id, ...order });
  await client.delete(`images/${id}`);
  await cloud.ask('snapshot', [instance], { args: { name: snapshotName }, waitMs: 60_000 });
  await expect.poll(() => opened.images.store.view().list('snapshot')).toEqual([]);
  expect((await world.store.list(world.keys.imageSnapshotsOf(hostOf(agent)))).entries).toEqual([]);

  const late = { ...opened.images, now: () => Date.now() - 120_000 };
  const never = randomUUID();
  await createSnapshotImage(late, { id: never, ...order });
  await expect.poll(async () => (await client.get(`images/${never}`)).status).toBe(404);
  await expect.poll(() => opened.images.store.view().list('snapshot')).toEqual([]);
});

test('what is no active image of a known format is refused before', async () => {
  const queued = await client.create({});
  await expect(resolveBootImage(opened.images, ADMIN, queued)).rejects.toThrow('is not active');
  const kernel = await client.create({ disk_format: 'aki', container_format: 'aki' });
  await client.upload(kernel, Buffer.from('a kernel'));
  await expect(resolveBootImage(opened.images, ADMIN, kernel)).rejects.toThrow('no server boots from the format aki');
  const other = { ...ADMIN, roles: ['member'], projectId: 'somebody' };
  await expect(resolveBootImage(opened.images, other, kernel)).rejects.toThrow('could not be found');
});
