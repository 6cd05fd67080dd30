import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createBlobFolder, type BlobFolder } from '@etcd-compute/api/image/blobs/blob-folder';
import type { BlobStore } from '@etcd-compute/api/image/blobs/blob-store';
import type { Received } from '@etcd-compute/api/image/blobs/receive';
import * as sdk from '@etcd-compute/api/image/blobs/s3/sdk';
import { openS3Store, type S3Options, type S3Store } from '@etcd-compute/api/image/blobs/s3/s3-store';
import { startS3, type S3Server } from '@etcd-compute/testing/s3-server';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeBucket, type TestBucket } from './s3-bucket.js';

const server = randomUUID();
const settings = { max_size: 1, keep_free: 0 };
const closing = new AbortController();
let dir: TempDir;
let s3: S3Server;
let bucket: TestBucket;
let options: S3Options;
let spool: BlobFolder;
beforeAll(async () => {
  dir = await makeTempDir('stores');
  s3 = await startS3();
  bucket = await makeBucket(s3, 'images');
  options = {
    sdk,
    bucket: bucket.name,
    endpoint: s3.endpoint,
    region: 'us-east-1',
    isPathStyle: true,
    credentials: { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey },
    ca: undefined,
    timeoutMs: 30_000,
    signal: closing.signal,
    prefix: 'here/',
    cloud: 'one',
    server,
  };
  spool = createBlobFolder(join(dir.path, 'spool'), server, settings);
});
afterAll(async () => {
  closing.abort();
  await bucket[Symbol.asyncDispose]();
  await s3.stop();
  await dir[Symbol.asyncDispose]();
});

const receive = async (content: Buffer, folder = spool): Promise<Received> =>
  folder.receive(
    (async function* () {
      yield content;
    })(),
    { announcedBytes: undefined, stallMs: 10_000, onStall: () => undefined },
  );

/** Each has a folder to receive in, and tells what is left. */
const STORES: readonly [
  string,
  () => { store: BlobStore; folder: BlobFolder; names: () => Promise<readonly string[]> },
][] = [
  [
    'a folder',
    () => {
      const path = join(dir.path, randomUUID());
      const folder = createBlobFolder(path, server, settings);
      const names = async (): Promise<string[]> => (await readdir(path)).map((name) => name.replace(/\.img$/, ''));
      return { store: folder, folder, names };
    },
  ],
  [
    'S3',
    () => {
      const cloud = randomUUID();
      return { store: openS3Store({ ...options, cloud }), folder: spool, names: bucket.objects };
    },
  ],
];

describe.each(STORES)('%s', (_what, open) => {
  let store: BlobStore;
  let folder: BlobFolder;
  let names: () => Promise<readonly string[]>;
  beforeEach(() => {
    ({ store, folder, names } = open());
  });

  const keep = async (content: Buffer): Promise<string> => {
    const received = await receive(content, folder);
    const name = store.newName(received.sha256);
    await store.keep(received, name);
    await folder.dispose(received);
    await store.removeUnless(name, async () => true);
    return name;
  };
  const read = async (name: string, range?: { start: number; end: number }): Promise<Buffer> => {
    await using blob = await store.open(name);
    return Buffer.concat((await blob?.read(range).toArray()) ?? []);
  };

  test.each([
    ['nothing', 0],
    ['a little', 5],
    ['several parts', 20_000_000],
  ])('keeps %s, and gives it back', async (_much, bytes) => {
    const content = randomBytes(bytes);
    const name = await keep(content);
    expect(name.slice(0, 64)).toBe((await receive(content)).sha256);
    expect(await store.has(name)).toBe(true);
    await using blob = await store.open(name);
    expect(blob?.size).toBe(bytes);
    expect((await read(name)).equals(content)).toBe(true);
    await store.removeUnless(name, async () => false);
  });

  test('gives back a part', async () => {
    const content = randomBytes(1000);
    const name = await keep(content);
    expect(await read(name, { start: 0, end: 0 })).toEqual(content.subarray(0, 1));
    expect(await read(name, { start: 300, end: 999 })).toEqual(content.subarray(300));
    await store.removeUnless(name, async () => false);
  });

  test('has nothing that it was not given', async () => {
    const name = store.newName('0'.repeat(64));
    expect([await store.has(name), await store.open(name), await store.list(() => false)]).toEqual([
      false,
      undefined,
      [],
    ]);
  });

  test('keeps the same twice, and lists it', async () => {
    const received = await receive(Buffer.from('twice'), folder);
    const name = store.newName(received.sha256);
    await store.keep(received, name);
    await store.keep(received, name);
    await folder.dispose(received);
    await store.removeUnless(name, async () => true);
    expect(await store.list(() => true)).toEqual([name]);
    await store.removeUnless(name, async () => false);
  });

  test('removes what nothing names, also again, and leaves what something names', async () => {
    const name = await keep(Buffer.from('gone'));
    await store.removeUnless(name, async () => true);
    expect(await store.has(name)).toBe(true);
    await store.removeUnless(name, async () => false);
    await store.removeUnless(name, async () => false);
    expect(await store.has(name)).toBe(false);
    expect(await names()).toEqual([]);
  });

  test('reading may end early', async () => {
    const name = await keep(randomBytes(3_000_000));
    const blob = await store.open(name);
    const stream = blob?.read();
    if (!stream) throw new Error('it is there');
    stream.resume();
    await once(stream, 'data');
    stream.destroy();
    await once(stream, 'close');
    expect(stream.readableEnded).toBe(false);
    await store.removeUnless(name, async () => false);
  });
});

describe('S3', () => {
  let store: S3Store;
  beforeEach(() => {
    store = openS3Store(options);
  });

  const [gone, alive] = [randomUUID(), randomUUID()];
  const nameBy = (owner: string): string => `${'a'.repeat(64)}.${owner}.${randomUUID()}`;

  test('what servers have left that are gone is found; not what others are putting, have elsewhere, or call otherwise', async () => {
    const left = nameBy(gone);
    for (const key of [`here/one/${left}`, `here/one/${nameBy(alive)}`, `here/other/${nameBy(gone)}`, 'here/one/notes'])
      await bucket.put(key, 'x');
    expect(await store.list((owner) => owner === alive)).toEqual([left]);

    const kept = nameBy(alive);
    for (const key of [`here/one/${nameBy(gone)}`, `here/one/${kept}`]) await bucket.beginUpload(key);
    await store.removeLeftovers((owner) => owner === alive);
    expect(await bucket.uploads()).toEqual([kept]);
  });

  test('what this server is about to name is not listed; what it has named is', async () => {
    const received = await receive(Buffer.from('about to'));
    const name = store.newName(received.sha256);
    await store.keep(received, name);
    expect(await store.list(() => true)).not.toContain(name);
    await store.removeUnless(name, async () => true);
    expect(await store.list(() => true)).toContain(name);
  });

  test('a put that is cut off leaves no parts', async () => {
    const cut = openS3Store({ ...options, cloud: 'cut' });
    const received = await receive(randomBytes(20_000_000));
    // Its file is gone after the first part.
    const broken = { ...received, size: received.size * 2 };
    await expect(cut.keep(broken, cut.newName(received.sha256))).rejects.toThrow('ends after 20000000 bytes');
    expect((await bucket.uploads()).filter((name) => name.startsWith(received.sha256))).toEqual([]);
  });

  const refused = 'ECOMPUTE_IMAGE_STORE_REFUSED';
  test.each([
    [
      'another bucket',
      { bucket: 'nowhere' },
      { code: refused, message: 'bucket nowhere of http://', hint: 'images.s3.bucket' },
    ],
    [
      'another secret',
      { credentials: { accessKeyId: 'cloud:images', secretAccessKey: 'x' } },
      { code: refused, message: 'secret key', hint: 'secret_key_file' },
    ],
    ['another region', { region: 'eu-west-1' }, { code: refused, message: 'another region', hint: 'images.s3.region' }],
    [
      'nobody there',
      { endpoint: 'http://127.0.0.1:1' },
      { code: 'ECOMPUTE_IMAGE_STORE_FAILED', message: '127.0.0.1:1', hint: 'images.s3.endpoint' },
    ],
  ])('%s is told by name', async (_what, other, { code, message, hint }) => {
    const wrong = openS3Store({ ...options, ...other });
    await expect(wrong.check()).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
    await wrong[Symbol.asyncDispose]();
  });

  test('a server that hangs is given up, in a request and in a download; the next request is answered', async () => {
    const hasty = openS3Store({ ...options, timeoutMs: 500, cloud: 'hasty' });
    const received = await receive(randomBytes(6_000_000));
    const name = hasty.newName(received.sha256);
    await openS3Store({ ...options, cloud: 'hasty' }).keep(received, name);
    const blob = await hasty.open(name);
    await s3.kill('SIGSTOP');
    const failed = { code: 'ECOMPUTE_IMAGE_STORE_FAILED', retryable: true };
    try {
      await expect(hasty.has(name)).rejects.toMatchObject({
        ...failed,
        cause: { message: 'there was no answer in 0.5 s' },
      });
      await expect(blob?.read().toArray()).rejects.toMatchObject(failed);
    } finally {
      await s3.kill('SIGCONT');
      await setImmediate();
    }
    await expect.poll(async () => hasty.has(name).catch(() => false)).toBe(true);
    expect(Buffer.concat((await blob?.read().toArray()) ?? []).length).toBe(6_000_000);
  });
});
