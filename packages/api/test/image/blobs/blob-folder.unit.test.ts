import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBlobFolder, type BlobFolder } from '@etcd-compute/api/image/blobs/blob-folder';
import { readRange } from '@etcd-compute/api/image/blobs/range';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let path: string;
let folder: BlobFolder;
const server = randomUUID();
const settings = { max_size: 1, keep_free: 0 };
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'blobs-'));
  folder = createBlobFolder(path, server, settings);
});
afterEach(async () => rm(path, { recursive: true }));

async function* pieces(...parts: readonly string[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part);
}
const OPTIONS = { announcedBytes: undefined, stallMs: 10_000, onStall: () => undefined };
const receive = async (...parts: readonly string[]) => folder.receive(pieces(...parts), OPTIONS);
/** Of `hello`. */
const HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

test('what has come is kept by its digest, once, and read in parts', async () => {
  const received = await receive('he', 'llo');
  expect(received).toMatchObject({ sha256: HELLO, size: 5, md5: '5d41402abc4b2a76b9719d911017c592' });
  expect(await folder.has(HELLO)).toBe(false);
  await folder.keep(received, HELLO);
  await folder.keep(received, HELLO);
  await folder.dispose(received);
  expect(await readdir(path)).toEqual([`${HELLO}.img`]);
  const blob = await folder.open(HELLO);
  expect(Buffer.concat((await blob?.read({ start: 1, end: 3 }).toArray()) ?? []).toString()).toBe('ell');
  expect(await folder.open('0'.repeat(64))).toBeUndefined();
});

test('a source that fails leaves nothing', async () => {
  const failing = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('half');
    throw new Error('cut off');
  };
  await expect(folder.receive(failing(), OPTIONS)).rejects.toThrow('cut off');
  expect(await readdir(path)).toEqual([]);
});

test.each([
  ['the largest image', { max_size: 1e-9, keep_free: 0 }],
  ['the quota', { ...settings, quota: 1e-9 }],
  ['the disk', { ...settings, keep_free: 1e6 }],
])('more than %s has is refused, and leaves nothing', async (_what, limits) => {
  const small = createBlobFolder(path, server, limits);
  await expect(small.receive(pieces('hello'), OPTIONS)).rejects.toMatchObject({ status: 413 });
  await expect(small.receive(pieces(), { ...OPTIONS, announcedBytes: 5 })).rejects.toMatchObject({ status: 413 });
  expect(await readdir(path)).toEqual([]);
});

describe('a content', () => {
  beforeEach(async () => {
    const received = await receive('hello');
    await folder.keep(received, HELLO);
    await folder.dispose(received);
  });

  test('that nothing names is removed, also again', async () => {
    await folder.removeUnless(HELLO, async () => false);
    await folder.removeUnless(HELLO, async () => false);
    expect(await readdir(path)).toEqual([]);
  });

  test('that something names stays, also when it was named just now', async () => {
    await folder.removeUnless(HELLO, async () => true);
    const answers = [false, true];
    await folder.removeUnless(HELLO, async () => answers.shift() ?? true);
    expect(await readdir(path)).toEqual([`${HELLO}.img`]);
  });
});

test('what a server has left that is gone is removed; what others are writing stays', async () => {
  const [gone, alive] = [randomUUID(), randomUUID()];
  await mkdir(path, { recursive: true });
  const names = [gone, alive, server].map((owner) => `${owner}.${randomUUID()}.part`);
  for (const name of names) await writeFile(join(path, name), 'half');
  await folder.removeLeftovers((owner) => owner === alive);
  expect((await readdir(path)).toSorted()).toEqual(names.slice(1).toSorted());
});

test.each([
  [undefined, undefined],
  ['bytes=0-4', { start: 0, end: 4 }],
  ['bytes=5-', { start: 5, end: 9 }],
  ['bytes=-3', { start: 7, end: 9 }],
  ['bytes=-30', { start: 0, end: 9 }],
  ['bytes=8-100', { start: 8, end: 9 }],
  ['bytes=4-2', undefined],
  ['bytes=0-1,3-4', undefined],
  ['lines=0-1', undefined],
  ['bytes=-', undefined],
])('of ten bytes, %s is %j', (header, range) => {
  expect(readRange(header, 10)).toEqual(range);
});

test('a range behind the end is refused', () => {
  expect(() => readRange('bytes=10-', 10)).toThrow(expect.objectContaining({ status: 416 }));
  expect(() => readRange('bytes=-0', 10)).toThrow(expect.objectContaining({ status: 416 }));
});
