import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eapiProgram, startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { startS3, type S3Server } from '@etcd-compute/testing/s3-server';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BAD_IMAGES, qcow2 } from '../../../common/test/images/bad-images.js';
import { makeBucket, type TestBucket } from './blobs/s3-bucket.js';
import { openImageClient, type ImageClient } from './image-client.js';

/** Two servers that have one bucket, and one that has only a folder. */
let etcd: EtcdServer;
let s3: S3Server;
let bucket: TestBucket;
let dir: TempDir;
let servers: [EapiServer, EapiServer, EapiServer];
let one: ImageClient;
let two: ImageClient;
let folderOnly: ImageClient;
beforeAll(async () => {
  [etcd, s3, dir] = await Promise.all([startEtcd(), startS3(), makeTempDir('eapi-s3')]);
  bucket = await makeBucket(s3, 'images');
  const start = async (name: string, images: object): Promise<EapiServer> => {
    const path = join(dir.path, name);
    const config = { images: { folder: join(path, 'images'), ...images } };
    return startEapi({ etcd, prefix: '/cloud', dir: path, config });
  };
  servers = await Promise.all([
    start('one', { s3: bucket.section }),
    start('two', { s3: { ...bucket.section, timeout: 5 } }),
    start('folder', {}),
  ]);
  one = await openImageClient(servers[0], join(dir.path, 'clouds.yaml'));
  two = one.at(servers[1]);
  folderOnly = one.at(servers[2]);
});
afterAll(async () => {
  await Promise.all(servers.map(async (server) => server.stop()));
  await bucket[Symbol.asyncDispose]();
  await Promise.all([etcd.stop(), s3.stop()]);
  await dir[Symbol.asyncDispose]();
});
/** A disk of whole sectors, with a boot sector. */
const disk = (bytes: number): Buffer => {
  const content = randomBytes(bytes);
  content.set([0x55, 0xaa], 510);
  return content;
};
const filesOf = async (server: EapiServer): Promise<string[]> => readdir(join(server.dir, 'images')).catch(() => []);
/** What is left, anywhere. */
const left = async (): Promise<readonly string[]> => [
  ...(await bucket.objects()),
  ...(await bucket.uploads()),
  ...(await Promise.all(servers.map(filesOf))).flat(),
];
const make = async (content: Buffer): Promise<string> => {
  const id = await one.create({});
  expect(await one.upload(id, content)).toMatchObject({ status: 204 });
  return id;
};

test('what is uploaded at one is downloaded at all, whole and in part, and is gone when it is deleted', async () => {
  const content = disk(20_000_000);
  const id = await make(content);
  expect((await two.get(`images/${id}`)).body).toMatchObject({ status: 'active', size: content.length, stores: 's3' });
  expect(await filesOf(servers[0])).toEqual([]);
  expect((await two.download(id)).content.equals(content)).toBe(true);
  const part = await two.download(id, 'bytes=1000-9999999');
  expect([part.status, part.range]).toEqual([206, 'bytes 1000-9999999/20000000']);
  expect(part.content.equals(content.subarray(1000, 10_000_000))).toBe(true);
  expect(await two.download(id, 'bytes=20000000-')).toMatchObject({ status: 416 });
  expect(await filesOf(servers[1])).toEqual([]);
  // It asks one of the others, as hosts do.
  expect((await folderOnly.download(id)).content.equals(content)).toBe(true);

  const twin = await make(content);
  expect((await folderOnly.delete(`images/${id}`)).status).toBe(204);
  expect((await two.download(twin)).content.equals(content)).toBe(true);
  expect((await two.delete(`images/${twin}`)).status).toBe(204);
  // A server without S3 removed the record alone: one that has it removes the object after an hour, or when it starts.
  await servers[1].restart();
  await expect.poll(left).toEqual([]);
});

test('what may not be an image is refused, and never comes to S3', async () => {
  const [, content, reason] = BAD_IMAGES[0] ?? ['', new Uint8Array(), 'one'];
  const id = await one.create({ disk_format: 'qcow2' });
  const { status, body } = await one.upload(id, Buffer.from(content));
  expect([status, body.message]).toEqual([400, expect.stringContaining(reason)]);
  expect((await one.get(`images/${id}`)).body).toMatchObject({ status: 'queued', size: null });
  await one.delete(`images/${id}`);
  await expect.poll(left).toEqual([]);
});

test('what is staged at one is imported at the other', async () => {
  const id = await one.create({ disk_format: 'qcow2' });
  expect((await one.upload(id, qcow2(), 'stage')).status).toBe(204);
  expect((await two.post(`images/${id}/import`, { method: { name: 'glance-direct' } })).status).toBe(202);
  await expect.poll(async () => (await two.get(`images/${id}`)).body.status).toBe('active');
  expect((await one.download(id)).content.equals(qcow2())).toBe(true);
  await two.delete(`images/${id}`);
  await expect.poll(left).toEqual([]);
});

test('of a server that is killed while it puts an image, others remove the parts', async () => {
  const id = await one.create({});
  const lost = one.upload(id, disk(100_000_000)).catch(() => 'cut off');
  await expect.poll(async () => bucket.uploads(), { interval: 50 }).toHaveLength(1);
  await servers[0].kill();
  expect(await lost).toBe('cut off');
  expect((await two.get(`images/${id}`)).body).toMatchObject({ status: 'queued' });
  await servers[0].restart();
  await one.delete(`images/${id}`);
  await expect.poll(left).toEqual([]);
});

test('while S3 hangs, images answer 503 in time, and a server starts all the same; then all is as before', async () => {
  const content = disk(100_000);
  const id = await make(content);
  await s3.kill('SIGSTOP');
  try {
    const other = await two.create({});
    const [{ status: get }, { status: put }] = await Promise.all([two.download(id), two.upload(other, content)]);
    expect([get, put]).toEqual([503, 503]);
    expect((await two.get(`images/${other}`)).body.status).toBe('queued');
    await servers[1].restart();
    expect((await two.get(`images/${id}`)).status).toBe(200);
    await two.delete(`images/${other}`);
  } finally {
    await s3.kill('SIGCONT');
  }
  await expect.poll(async () => (await two.download(id)).status).toBe(200);
  expect((await one.download(id)).content.equals(content)).toBe(true);
  await one.delete(`images/${id}`);
  await expect.poll(left).toEqual([]);
});

test('a bucket that is not there keeps a server from starting, and is named', async () => {
  const env = { ...process.env, EAPI_IMAGES__S3__BUCKET: 'nowhere' };
  const starting = runCommand([process.execPath, eapiProgram, '--config', servers[0].configPath], { env });
  await expect(starting).rejects.toThrow(/bucket nowhere of http.*there is no such bucket[^]*images\.s3\.bucket/);
});
