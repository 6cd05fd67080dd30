import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openContentKeys } from '@etcd-compute/api/image/servers/content-keys';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { EcomputeError } from '@etcd-compute/common/errors';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openStore } from '@etcd-compute/common/etcd/store';
import { createFindImageServers } from '@etcd-compute/common/images/find-image-servers';
import { requestStored } from '@etcd-compute/common/images/request-stored';
import { eapiProgram, startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { startS3, type S3Server } from '@etcd-compute/testing/s3-server';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BAD_IMAGES, qcow2 } from '../../../common/test/images/bad-images.js';
import { makeBucket, type TestBucket } from './blobs/s3-bucket.js';
import { contentsOf, disk, openImageClient, type ImageClient } from './image-client.js';

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
    start('two', { s3: { ...bucket.section, timeout: 3 } }),
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
/** What is left, anywhere. */
const left = async (): Promise<readonly string[]> => [
  ...(await bucket.objects()),
  ...(await bucket.uploads()),
  ...(await Promise.all(servers.map(contentsOf))).flat(),
];
const make = async (content: Buffer): Promise<string> => {
  const id = await one.create({});
  expect(await one.upload(id, content)).toMatchObject({ status: 204 });
  return id;
};

test('what is uploaded at one is downloaded at all, whole and in part, and is gone when it is deleted', async () => {
  const content = disk(10_000_000);
  const id = await make(content);
  expect((await two.get(`images/${id}`)).body).toMatchObject({ status: 'active', size: content.length, stores: 's3' });
  expect(await contentsOf(servers[0])).toEqual([]);
  expect((await two.download(id)).content.equals(content)).toBe(true);
  const part = await two.download(id, 'bytes=1000-4999999');
  expect([part.status, part.range]).toEqual([206, 'bytes 1000-4999999/10000000']);
  expect(part.content.equals(content.subarray(1000, 5_000_000))).toBe(true);
  expect(await two.download(id, 'bytes=10000000-')).toMatchObject({ status: 416 });
  expect(await contentsOf(servers[1])).toEqual([]);
  // It asks one of the others, as hosts do.
  expect((await folderOnly.download(id)).content.equals(content)).toBe(true);

  const twin = await make(content);
  expect((await one.delete(`images/${id}`)).status).toBe(204);
  expect((await two.download(twin)).content.equals(content)).toBe(true);
  expect((await two.delete(`images/${twin}`)).status).toBe(204);
  await expect.poll(left).toEqual([]);
});

test('a host fetches from any of them, also what is missing of an image', async () => {
  const content = disk(9_000_000);
  const id = await make(content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  await using store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port, prefix: '/cloud' }));
  const keys = createKeys('/cloud');
  const contentKeys = await openContentKeys(store, `${keys.image}secret`);
  const asked = {
    image: id,
    sha256,
    key: contentKeys.keyOf(sha256),
    headers: { range: 'bytes=8500000-' },
    signal: AbortSignal.timeout(60_000),
  };
  const found = await createFindImageServers({ store, keys })();
  const parts = await Promise.all(
    found.map(async (server) =>
      requestStored({ ...asked, servers: [server] }).then(
        async (response) =>
          Buffer.concat(await response.toArray()).equals(content.subarray(8_500_000)) ? 'all' : 'something else',
        (err: unknown) => (err instanceof EcomputeError ? err.code : String(err)),
      ),
    ),
  );
  // The one that has only a folder has never had it.
  expect(parts.toSorted()).toEqual(['ECOMPUTE_IMAGE_DOWNLOAD_FAILED', 'all', 'all']);
  await one.delete(`images/${id}`);
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

test('what comes from a folder is moved to S3 by who has it', async () => {
  const content = disk(1_000_000);
  const id = await folderOnly.create({});
  expect((await folderOnly.upload(id, content)).status).toBe(204);
  expect((await one.get(`images/${id}`)).body.stores).toBe('folder');
  expect((await one.download(id)).content.equals(content)).toBe(true);
  await expect.poll(async () => (await one.get(`images/${id}`)).body.stores).toBe('s3');
  expect((await two.download(id)).content.equals(content)).toBe(true);
  expect((await folderOnly.download(id)).content.equals(content)).toBe(true);
  await expect.poll(async () => contentsOf(servers[0])).toEqual([]);
  await two.delete(`images/${id}`);
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
  const unnamed = await make(disk(1024));
  // It leaves the object to those that have S3.
  expect((await folderOnly.delete(`images/${unnamed}`)).status).toBe(204);
  const id = await one.create({});
  const lost = one.upload(id, disk(40_000_000)).catch(() => 'cut off');
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
