import { randomUUID } from 'node:crypto';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { countDisksOnImages, createDisk, deleteDisk, ensureDiskPool } from '@etcd-compute/agent/disks/disk-pool';
import type { ImageCache } from '@etcd-compute/agent/images/cache/cache';
import { createImageCollector } from '@etcd-compute/agent/images/cache/collect';
import { probeImagesGiB } from '@etcd-compute/agent/inventory/probe';
import { newInstanceUuid } from '@etcd-compute/common/ids';
import { connect } from '@etcd-compute/libvirt/connection';
import { runCommand } from '@etcd-compute/testing/run-command';
import { expect, test } from 'vitest';
import { holds, startImageFixture, type ImageFixture } from '../fixtures/image-fixture.js';
import { rawImage } from '../fixtures/agent-world.js';

const HOUR_MS = 3_600_000;

const startCollecting = async (fixture: ImageFixture, cache: ImageCache) => {
  const connection = await connect('test:///default');
  const pool = { name: `images-${randomUUID()}`, folder: join(fixture.folder, '..', 'disks') };
  await ensureDiskPool(connection, pool);
  const countDisks = async () => countDisksOnImages(connection, pool);
  /** As many hours from now. */
  const collectAfter = async (hours: number, graceMs = 0) =>
    createImageCollector({
      images: cache,
      countDisks,
      keepMs: HOUR_MS,
      graceMs,
      now: () => Date.now() + hours * HOUR_MS,
    })();
  return { connection, pool, countDisks, collectAfter, [Symbol.asyncDispose]: async () => connection.close() };
};

test('an image goes when nobody has asked for it in a while and no disk is on it; never before', async () => {
  await using fixture = await startImageFixture();
  await using collecting = await startCollecting(fixture, fixture.cache);
  const { connection, pool, collectAfter, countDisks } = collecting;
  const used = await fixture.fetch();
  await fixture.write(rawImage(600_000, 1));
  const unused = await fixture.fetch();
  const instance = newInstanceUuid();
  await createDisk(connection, pool, { instance, image: used, mode: 'overlay', sizeBytes: 2 ** 30 });
  expect([...(await countDisks())]).toEqual([[used.sha256, 1]]);

  expect(await collectAfter(0.9)).toEqual([]);
  expect((await collectAfter(2)).map(({ sha256 }) => sha256)).toEqual([unused.sha256]);
  expect(await fixture.files()).toEqual([`${used.sha256}.img`]);
  expect(await readdir(join(fixture.folder, 'urls'))).toEqual([]);
  expect(await holds(used.path, rawImage(600_000))).toBe(true);

  await deleteDisk(connection, pool, { instance });
  expect((await collectAfter(2)).map(({ sha256 }) => sha256)).toEqual([used.sha256]);
  expect(await fixture.files()).toEqual([]);
  expect(await fixture.fetch()).toMatchObject({ sha256: unused.sha256 });
});

test('an image that was just given for a disk stays until the disk can be on it', async () => {
  await using fixture = await startImageFixture();
  await using collecting = await startCollecting(fixture, fixture.cache);
  const { sha256 } = await fixture.fetch();
  expect(await collecting.collectAfter(2, 60_000)).toEqual([]);
  expect(await collecting.collectAfter(2, 0)).toMatchObject([{ sha256 }]);
});

test('an image that was fetched ahead of its use is given to nobody', async () => {
  await using fixture = await startImageFixture();
  await using collecting = await startCollecting(fixture, fixture.cache);
  const { sha256 } = await fixture.fetch(undefined, { isForDisk: false });
  expect(await collecting.collectAfter(2, 60_000)).toMatchObject([{ sha256, urls: [fixture.url] }]);
});

test('a URL that is asked for again keeps its image', async () => {
  await using fixture = await startImageFixture();
  await using collecting = await startCollecting(fixture, fixture.cache);
  const { path } = await fixture.fetch();
  const longAgo = new Date(Date.now() - 5 * HOUR_MS);
  const entry = join(fixture.folder, 'urls', (await readdir(join(fixture.folder, 'urls')))[0] ?? '');
  for (const file of [path, entry]) await utimes(file, longAgo, longAgo);
  await fixture.fetch();
  expect(await collecting.collectAfter(0.5)).toEqual([]);
  await utimes(entry, longAgo, longAgo);
  expect(await collecting.collectAfter(0.5)).toHaveLength(1);
});

test('where libvirt does not answer, nothing goes', async () => {
  await using fixture = await startImageFixture();
  await using collecting = await startCollecting(fixture, fixture.cache);
  await fixture.fetch();
  await collecting.connection.close();
  await expect(collecting.collectAfter(2)).rejects.toThrow(/could not call storagePoolLookupByName/);
  expect(await fixture.files()).toHaveLength(1);
});

test('what images take is counted to the nearest GiB', async () => {
  await using fixture = await startImageFixture();
  expect(await probeImagesGiB(fixture.cache)).toBe(0);
  const { path } = await fixture.fetch();
  expect(await probeImagesGiB(fixture.cache)).toBe(0);
  await runCommand(['fallocate', '--length', '1600MiB', path]);
  expect(await probeImagesGiB(fixture.cache)).toBe(2);
});
