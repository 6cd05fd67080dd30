import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { startImageServer, type ImageServer } from '@etcd-compute/testing/image-server';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { qcow2 } from '../../../common/test/images/bad-images.js';
import { openImageClient, type ImageClient } from './image-client.js';

let etcd: EtcdServer;
let dir: TempDir;
let web: ImageServer;
let eapi: EapiServer;
let other: EapiServer;
let client: ImageClient;
beforeAll(async () => {
  etcd = await startEtcd();
  dir = await makeTempDir('import');
  await writeFile(join(dir.path, 'good'), qcow2());
  await writeFile(join(dir.path, 'bad'), qcow2({ backingOffset: 512n }));
  web = await startImageServer(
    { good: join(dir.path, 'good'), bad: join(dir.path, 'bad') },
    { redirects: { inside: 'http://169.254.169.254/latest/meta-data' } },
  );
  const start = async (name: string): Promise<EapiServer> => {
    const path = join(dir.path, name);
    const images = { folder: join(path, 'images'), allow_private: ['127.0.0.1'] };
    return startEapi({ etcd, prefix: '/cloud', dir: path, config: { images } });
  };
  [eapi, other] = [await start('one'), await start('two')];
  client = await openImageClient(eapi, join(dir.path, 'clouds.yaml'));
});
afterAll(async () => {
  await Promise.all([eapi.stop(), other.stop(), web.stop()]);
  await etcd.stop();
  await dir[Symbol.asyncDispose]();
});

const statusOf = async (id: string): Promise<string> => (await client.get(`images/${id}`)).body.status;
const taskOf = async (id: string): Promise<{ status: string; message: string }> =>
  (await client.get(`images/${id}/tasks`)).body.tasks[0];
const importFrom = async (id: string, uri: string) =>
  client.post(`images/${id}/import`, { method: { name: 'web-download', uri } });

test('an image comes from its URL, and its task tells', async () => {
  const id = await client.create({ disk_format: 'qcow2' });
  expect((await importFrom(id, web.url('good'))).status).toBe(202);
  await expect.poll(async () => statusOf(id)).toBe('active');
  expect((await client.download(id)).content.equals(qcow2())).toBe(true);
  expect(await taskOf(id)).toMatchObject({
    status: 'success',
    type: 'api_image_import',
    request_id: expect.stringMatching(/^req-/),
    result: { image_id: id },
  });
  expect((await client.get('tasks')).body.tasks).toContainEqual(expect.objectContaining({ image_id: id }));
});

test.each([
  ['one with a backing file', 'bad', 'refers to a backing file'],
  ['one that redirects to where nobody may ask', 'inside', 'an address that images may not come from'],
  ['one that is not there', 'none', 'answered 404'],
])('%s is not taken, and may be tried again', async (_what, name, reason) => {
  const id = await client.create({ disk_format: 'qcow2' });
  await importFrom(id, web.url(name));
  await expect.poll(async () => taskOf(id)).toMatchObject({ status: 'failure' });
  expect((await taskOf(id)).message).toContain(reason);
  expect(await statusOf(id)).toBe('queued');
  await importFrom(id, web.url('good'));
  await expect.poll(async () => statusOf(id)).toBe('active');
});

test.each(['http://169.254.169.254/x', 'http://[::1]/x', 'file:///etc/passwd', 'http://me:secret@mirror.example/x'])(
  '%s is refused at once',
  async (uri) => {
    const id = await client.create({});
    const { status, body } = await importFrom(id, uri);
    expect([status, body.message]).toEqual([400, expect.stringContaining('could not use the image URL')]);
    expect(body.message).not.toContain('secret');
    expect(await statusOf(id)).toBe('queued');
  },
);

test('what is staged at one server is looked at and imported by another', async () => {
  const id = await client.create({ disk_format: 'qcow2' });
  expect((await client.upload(id, qcow2(), 'stage')).status).toBe(204);
  expect(await statusOf(id)).toBe('uploading');
  expect((await client.download(id)).status).toBe(204);
  const direct = { method: { name: 'glance-direct' }, stores: ['folder'] };
  expect((await client.at(other).post(`images/${id}/import`, direct)).status).toBe(202);
  await expect.poll(async () => statusOf(id)).toBe('active');
  expect((await client.download(id)).content.equals(qcow2())).toBe(true);

  const bad = await client.create({ disk_format: 'qcow2' });
  await client.upload(bad, qcow2({ incompatible: 4n }), 'stage');
  await client.post(`images/${bad}/import`, direct);
  await expect.poll(async () => taskOf(bad)).toMatchObject({ status: 'failure' });
  expect(await statusOf(bad)).toBe('queued');
});

test('an import whose server is killed has failed, and the image is queued again', async () => {
  web.setFault('good', 'hang-body');
  const id = await client.create({ disk_format: 'qcow2' });
  await client.at(other).post(`images/${id}/import`, { method: { name: 'web-download', uri: web.url('good') } });
  expect(await statusOf(id)).toBe('importing');
  await other.kill();
  await expect.poll(async () => taskOf(id)).toMatchObject({ status: 'failure' });
  expect(await statusOf(id)).toBe('queued');
  await other.restart();
});

test('changes come as JSON patches', async () => {
  const id = await client.create({ name: 'before', distro: 'debian' });
  const { status, body } = await client.patch(`images/${id}`, [
    { op: 'replace', path: '/name', value: 'after' },
    { op: 'add', path: '/os~1version', value: '13' },
    { op: 'remove', path: '/distro' },
    { op: 'replace', path: '/tags', value: ['a', 'a', 'b'] },
  ]);
  expect([status, body]).toEqual([
    200,
    expect.objectContaining({ name: 'after', 'os/version': '13', tags: ['a', 'b'] }),
  ]);
  expect(body).not.toHaveProperty('distro');
  expect((await client.put(`images/${id}/tags/c`, undefined)).status).toBe(204);
  expect((await client.delete(`images/${id}/tags/d`)).status).toBe(404);
  expect((await client.patch(`images/${id}`, [{ op: 'replace', path: '/status', value: 'x' }])).status).toBe(403);
  expect((await client.patch(`images/${id}`, [{ op: 'remove', path: '/none' }])).status).toBe(409);
});
