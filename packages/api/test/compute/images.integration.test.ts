import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCloud, type Cloud } from '../a-cloud.js';

/** What Nova's older clients see of images. */
let etcd: EtcdServer;
let cloud: Cloud;
let admin: string;

beforeAll(async () => {
  etcd = await startEtcd();
  cloud = await openCloud(etcd);
  admin = await cloud.logIn('admin', 'admin');
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await etcd.stop();
});

const ask = async (request: string) => cloud.askAt('/compute/v2.1')(request, { token: admin });
const make = async (name: string, more: object = {}): Promise<string> => {
  const body = { name, disk_format: 'raw', container_format: 'bare', ...more };
  return (await cloud.askAt('/image')('POST /v2/images', { token: admin, body })).body.id;
};

test('an image is shown as Nova shows it, listed by filters, and deleted', async () => {
  const server = '0a0c8a3e-0000-4000-8000-000000000001';
  const id = await make('first', { min_ram: 64, instance_uuid: server });
  await make('second');
  const { body } = await ask(`GET /images/${id}`);
  expect(body.image).toMatchObject({
    id,
    name: 'first',
    status: 'SAVING',
    progress: 25,
    minRam: 64,
    minDisk: 0,
    metadata: { instance_uuid: server },
    server: { id: server },
    'OS-EXT-IMG-SIZE:size': null,
  });
  expect(body.image.links.map(({ rel }: { rel: string }) => rel)).toEqual(['self', 'bookmark', 'alternate']);
  expect((await ask(`GET /images/${id}/metadata`)).body).toEqual({ metadata: { instance_uuid: server } });
  expect((await ask(`GET /images/${id}/metadata/none`)).status).toBe(404);

  const names = async (query: string) =>
    (await ask(`GET /images${query}`)).body.images.map(({ name }: { name: string }) => name).toSorted();
  expect(await names('')).toEqual(['first', 'second']);
  expect(await names('/detail?name=second')).toEqual(['second']);
  expect(await names(`?server=http://cloud/servers/${server}`)).toEqual(['first']);
  expect((await ask('GET /images?limit=1')).body.images_links).toHaveLength(1);
  expect((await ask('GET /images?limit=-1')).status).toBe(400);

  expect((await ask(`DELETE /images/${id}`)).status).toBe(204);
  expect((await ask(`GET /images/${id}`)).status).toBe(404);
});
