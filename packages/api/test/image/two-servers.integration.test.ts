import { createHash, randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import { startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BAD_IMAGES, qcow2 } from '../../../common/test/images/bad-images.js';
import { contentsOf, disk, openImageClient, type ImageClient } from './image-client.js';

/** Two servers on one etcd, each with a folder of its own. */
let etcd: EtcdServer;
let dir: TempDir;
let servers: [EapiServer, EapiServer];
let one: ImageClient;
let two: ImageClient;
beforeAll(async () => {
  etcd = await startEtcd();
  dir = await makeTempDir('two-eapi');
  const start = async (name: string): Promise<EapiServer> =>
    startEapi({ etcd, prefix: '/cloud', dir: join(dir.path, name) });
  servers = [await start('one'), await start('two')];
  one = await openImageClient(servers[0], join(dir.path, 'clouds.yaml'));
  two = one.at(servers[1]);
});
afterAll(async () => {
  await Promise.all(servers.map(async (server) => server.stop()));
  await etcd.stop();
  await dir[Symbol.asyncDispose]();
});

test('what is uploaded at one is downloaded at the other, whole or in part, and is gone everywhere when it is deleted', async () => {
  const content = disk(3_000_000);
  const id = await one.create({ name: 'disk' });
  expect(await one.upload(id, content)).toMatchObject({ status: 204 });
  const image = (await two.get(`images/${id}`)).body;
  expect(image).toMatchObject({
    status: 'active',
    size: content.length,
    virtual_size: Math.ceil(content.length / 512) * 512,
    checksum: createHash('md5').update(content).digest('hex'),
    os_hash_algo: 'sha512',
    os_hash_value: createHash('sha512').update(content).digest('hex'),
    visibility: 'shared',
  });

  const whole = await two.download(id);
  expect(whole.status).toBe(200);
  expect(whole.content.equals(content)).toBe(true);
  const ranges: readonly (readonly [string, number, number])[] = [
    ['bytes=0-0', 0, 1],
    ['bytes=1000-1999', 1000, 2000],
    ['bytes=2999990-', 2_999_990, 3_000_000],
    ['bytes=-5', 2_999_995, 3_000_000],
    ['bytes=2999999-9999999', 2_999_999, 3_000_000],
  ];
  for (const [range, start, end] of ranges) {
    const part = await two.download(id, range);
    expect([part.status, part.range]).toEqual([206, `bytes ${start}-${end - 1}/3000000`]);
    expect(part.content.equals(content.subarray(start, end))).toBe(true);
  }
  expect(await two.download(id, 'bytes=3000000-')).toMatchObject({ status: 416, range: 'bytes */3000000' });

  const twin = await two.create({ name: 'the same content' });
  expect((await two.upload(twin, content)).status).toBe(204);
  expect((await two.delete(`images/${id}`)).status).toBe(204);
  expect((await two.download(twin)).content.equals(content)).toBe(true);
  expect((await two.delete(`images/${twin}`)).status).toBe(204);
  expect(await contentsOf(servers[1])).toEqual([]);
  // The other one finds out by itself.
  await expect.poll(async () => contentsOf(servers[0])).toEqual([]);
});

describe('is refused, and leaves nothing', () => {
  test.each(BAD_IMAGES)('%s', async (_what, content, reason) => {
    for (const disk_format of ['raw', 'qcow2']) {
      const id = await one.create({ disk_format });
      const { status, body } = await one.upload(id, Buffer.from(content));
      expect([status, body.message]).toEqual([400, expect.stringContaining(reason)]);
      expect((await one.get(`images/${id}`)).body).toMatchObject({ status: 'queued', size: null });
      await one.delete(`images/${id}`);
    }
    expect(await contentsOf(servers[0])).toEqual([]);
  });

  test('another format than the image says', async () => {
    const [raw, qcow] = [await one.create({ disk_format: 'raw' }), await one.create({ disk_format: 'qcow2' })];
    expect((await one.upload(raw, qcow2())).body.message).toContain('The file is a qcow2 image');
    expect((await one.upload(qcow, disk(1024))).body.message).toContain('The file is a raw image');
    expect((await one.upload(qcow, qcow2())).status).toBe(204);
    expect((await one.get(`images/${qcow}`)).body).toMatchObject({ virtual_size: 1024 ** 3 });
    expect((await one.upload(qcow, qcow2())).status).toBe(409);
    await one.delete(`images/${qcow}`);
  });

  test('a body that is not called a file, and an image without formats', async () => {
    const id = await one.create({ disk_format: null });
    expect((await one.put(`images/${id}/file`, { hello: 1 })).status).toBe(415);
    expect((await one.upload(id, disk(512))).body.message).toContain('disk_format');
  });
});

test('an upload whose server is killed leaves an image that is queued, and nothing in the folder', async () => {
  const id = await one.create({ name: 'half' });
  const { hostname, port } = new URL(servers[1].endpoint);
  const sending = request({
    method: 'PUT',
    host: hostname,
    port,
    path: `/image/v2/images/${id}/file`,
    headers: { 'x-auth-token': one.token, 'content-type': 'application/octet-stream', 'content-length': 10_000_000 },
  });
  sending.on('error', () => undefined);
  sending.write(disk(1_000_000));
  await expect.poll(async () => contentsOf(servers[1])).toHaveLength(1);
  await servers[1].kill();
  expect((await one.get(`images/${id}`)).body).toMatchObject({ status: 'queued', size: null });
  await servers[1].restart();
  await expect.poll(async () => contentsOf(servers[1])).toEqual([]);
  const content = disk(1024);
  expect((await two.upload(id, content)).status).toBe(204);
  expect((await one.download(id)).content.equals(content)).toBe(true);
});

test('while the server is away that has it alone, others say so', async () => {
  const id = await one.create({ name: 'elsewhere' });
  await two.upload(id, disk(1024));
  await servers[1].kill();
  expect((await one.download(id)).status).toBe(503);
  await servers[1].restart();
  expect((await one.download(id)).status).toBe(200);
});

test('an id is given once; a member that nobody knows is a property', async () => {
  const id = randomUUID();
  expect(await one.create({ id, os_distro: 'debian' })).toBe(id);
  expect((await two.post('images', { id })).status).toBe(409);
  expect((await two.get(`images/${id}`)).body.os_distro).toBe('debian');
});
