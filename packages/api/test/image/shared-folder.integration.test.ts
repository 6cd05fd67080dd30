import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { join } from 'node:path';
import { planImage } from '@etcd-compute/api/image/engine/create';
import { removeImage } from '@etcd-compute/api/image/engine/remove-image';
import { upload } from '@etcd-compute/api/image/engine/upload';
import type { Images } from '@etcd-compute/api/image/images';
import { apiConfigSchema } from '@etcd-compute/api/server/config';
import { openImages, type OpenedImages } from '@etcd-compute/api/server/open-images';
import type { OpenOptions } from '@etcd-compute/api/server/open-identity';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { silentLogger } from '@etcd-compute/common/log';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listContents } from './image-client.js';

/** Two servers of one machine have one folder. */
let etcd: EtcdServer;
let store: Store;
let dir: TempDir;
let options: OpenOptions;
let servers: readonly OpenedImages[];
beforeAll(async () => {
  etcd = await startEtcd();
  dir = await makeTempDir('shared-folder');
  const { host, port } = etcd;
  const config = apiConfigSchema.parse({ etcd: { host, port }, images: { folder: join(dir.path, 'images') } });
  store = await openStore(config.etcd);
  options = { config, etcd: store, log: silentLogger() };
  servers = [await openImages(options), await openImages(options)];
});
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
  await store.close();
  await etcd.stop();
  await dir[Symbol.asyncDispose]();
});

const ALWAYS = [{ key: '/nothing', modRevision: '0' }];

const content = Buffer.alloc(4096);
content.set([0x55, 0xaa], 510);

const make = async (images: Images): Promise<string> => {
  const body = { id: randomUUID(), disk_format: 'raw', container_format: 'bare' } as const;
  const image = planImage({ body, owner: 'ours', now: Date.now() });
  await images.store.write((draft) => draft.put('image', image));
  await upload(images, image, { stream: Readable.from([content]), announcedBytes: content.length });
  return image.id;
};

test('the same content is uploaded at one and deleted at the other at the same time: what is active has it', async () => {
  const [one, two] = servers.map(({ images }) => images);
  if (!one || !two) throw new Error('there are two servers');
  let before = await make(two);
  for (let round = 0; round < 30; round += 1) {
    const [id] = await Promise.all([make(one), removeImage(two, before), servers[round % 2]?.keepHouse()]);
    const { blob } = one.store.view().get('image', id) ?? {};
    if (!blob) throw new Error('it is not active');
    await using opened = await one.blobs.open(blob);
    expect(opened.size).toBe(content.length);
    before = id;
  }
  await removeImage(one, before);
  expect(await listContents(options.config.images.folder)).toEqual([]);
});

test('etcd is emptied: no content goes, whoever looks, and a restored etcd has its images again', async () => {
  const [one] = servers;
  if (!one) throw new Error('there are two servers');
  const id = await make(one.images);
  const kept = await listContents(options.config.images.folder);
  const { entries } = await store.list('/');
  await store.txn(
    ALWAYS,
    entries.map(({ key }) => ({ op: 'delete', key })),
  );
  await one.keepHouse();
  const late = await openImages(options);
  await late.keepHouse();
  await late[Symbol.asyncDispose]();
  expect(await listContents(options.config.images.folder)).toEqual(kept);

  await store.txn(
    ALWAYS,
    entries.map(({ key, value }) => ({ op: 'put', key, value })),
  );
  const back = await openImages(options);
  await back.keepHouse();
  expect(await listContents(options.config.images.folder)).toEqual(kept);
  await removeImage(back.images, id);
  expect(await listContents(options.config.images.folder)).toEqual([]);
  await back[Symbol.asyncDispose]();
});
