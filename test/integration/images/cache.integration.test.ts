import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CachedImage } from '@etcd-compute/agent/images/format/cached-image';
import { startImageServer, type ImageFault } from '@etcd-compute/testing/image-server';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { describe, expect, test } from 'vitest';
import {
  holds,
  RETRY,
  SHORT_STALL_MS,
  SIZE,
  startImageFixture as start,
  statuses,
  unaborted,
} from '../fixtures/image-fixture.js';
import { rawImage } from '../fixtures/agent-world.js';

describe('one download', () => {
  test('serves twenty who ask at once, and tells how far it is', async () => {
    await using fixture = await start();
    const progress: number[] = [];
    fixture.onProgress = ({ url, bytes, totalBytes }) => {
      expect({ url, totalBytes }).toEqual({ url: fixture.url, totalBytes: SIZE });
      progress.push(bytes);
    };
    const images = await Promise.all(Array.from({ length: 20 }, async () => fixture.fetch()));
    expect(new Set(images.map(({ path }) => path)).size).toBe(1);
    expect(images[0]).toMatchObject({ format: 'raw', virtualSizeBytes: Math.ceil(SIZE / 512) * 512 });
    expect(progress.at(-1)).toBe(SIZE);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(fixture.server.requests).toHaveLength(1);
    expect(await holds(images[0]?.path ?? '', rawImage(SIZE))).toBe(true);
    expect(await fixture.files()).toEqual([`${images[0]?.sha256}.img`]);
  });

  test('an unchanged image is asked about, not sent again, also after a restart', async () => {
    await using fixture = await start();
    const first = await fixture.fetch();
    expect(await fixture.fetch()).toEqual(first);
    const reopened = await fixture.reopen();
    expect(await reopened.fetch(fixture.url, unaborted())).toEqual(first);
    await waitFor(() => statuses(fixture.server).every((status) => status > 0), {
      what: 'the server to have answered',
    });
    expect(statuses(fixture.server)).toEqual([200, 304, 304]);
  });

  test('a server without lengths and validators works, by sending it again', async () => {
    await using fixture = await start();
    fixture.server.setFault('image', 'no-length');
    const first = await fixture.fetch();
    expect(await fixture.fetch()).toEqual(first);
    expect(statuses(fixture.server)).toEqual([200, 200]);
    expect(await fixture.files()).toHaveLength(1);
  });
});

describe('content', () => {
  test('that changes becomes another image; the old one stays as it is, under the guests that have it', async () => {
    await using fixture = await start();
    const first = await fixture.fetch();
    await fixture.write(rawImage(SIZE, 1));
    const second = await fixture.fetch();
    expect(second.sha256).not.toBe(first.sha256);
    expect(await holds(first.path, rawImage(SIZE))).toBe(true);
    expect(await holds(second.path, rawImage(SIZE, 1))).toBe(true);
    expect(await fixture.files()).toHaveLength(2);
  });

  test('two URLs with one basename are two images, unless they are the same content', async () => {
    await using fixture = await start();
    const other = fixture.server.url('other/image');
    const first = await fixture.fetch();
    expect((await fixture.fetch(other)).path).toBe(first.path);
    await fixture.write(rawImage(SIZE, 2));
    const changed = await fixture.fetch(other);
    expect(changed.path).not.toBe(first.path);
    expect(await holds(first.path, rawImage(SIZE))).toBe(true);
  });

  test('that was removed from the cache is downloaded again', async () => {
    await using fixture = await start();
    const { path } = await fixture.fetch();
    await rm(path);
    expect(await holds((await fixture.fetch()).path, rawImage(SIZE))).toBe(true);
    expect(statuses(fixture.server)).toEqual([200, 200]);
  });

  test('an entry that cannot be read is downloaded again', async () => {
    await using fixture = await start();
    const first = await fixture.fetch();
    for (const name of await readdir(join(fixture.folder, 'urls')))
      await writeFile(join(fixture.folder, 'urls', name), '{');
    expect(await fixture.fetch()).toEqual(first);
    expect(statuses(fixture.server)).toEqual([200, 200]);
  });
});

describe('a server that is away', () => {
  test.each(['hang', 'cut', 'hang-body', '500'] satisfies ImageFault[])(
    '(%s) the cached image serves',
    async (fault) => {
      await using fixture = await start();
      const first = await fixture.fetch();
      await fixture.write(rawImage(SIZE, 3));
      fixture.server.setFault('image', fault);
      const impatient = await fixture.reopen(SHORT_STALL_MS);
      expect(await impatient.fetch(fixture.url, unaborted())).toEqual(first);
      expect(await fixture.files()).toHaveLength(1);
    },
  );

  test('refusing connections too; but one that says 404 is not away', async () => {
    await using fixture = await start();
    const first = await fixture.fetch();
    fixture.server.setFault('image', '404');
    await expect(fixture.fetch()).rejects.toMatchObject({ code: 'ECOMPUTE_IMAGE_DOWNLOAD_FAILED', retryable: false });
    await fixture.server.stop();
    expect(await fixture.fetch()).toEqual(first);
  });
});

describe('a failure', () => {
  test.each([
    ['404', 'ECOMPUTE_IMAGE_DOWNLOAD_FAILED', 'the server answered 404', false],
    ['500', 'ECOMPUTE_IMAGE_DOWNLOAD_FAILED', 'the server answered 500', true],
    ['cut', 'ECOMPUTE_IMAGE_DOWNLOAD_FAILED', 'could not download', true],
    ['hang', 'ECOMPUTE_IMAGE_TIMED_OUT', 'the server sent nothing for 0.2 s', true],
    ['hang-body', 'ECOMPUTE_IMAGE_TIMED_OUT', 'the server sent nothing for 0.2 s', true],
    ['html', 'ECOMPUTE_IMAGE_NOT_USABLE', 'neither qcow2 nor a raw disk', false],
    ['empty', 'ECOMPUTE_IMAGE_NOT_USABLE', 'neither qcow2 nor a raw disk', false],
  ] as const)('%s is told, leaves nothing, and the next one works', async (...[fault, code, reason, retryable]) => {
    await using fixture = await start();
    fixture.server.setFault('image', fault);
    const impatient = await fixture.reopen(SHORT_STALL_MS);
    const ask = async (): Promise<CachedImage> => impatient.fetch(fixture.url, unaborted());
    const failures = await Promise.allSettled([ask(), ask()]);
    for (const failure of failures)
      expect(failure).toMatchObject({
        status: 'rejected',
        reason: { code, retryable, message: expect.stringContaining(reason) },
      });
    const isFinal = !retryable;
    expect(fixture.server.requests).toHaveLength(isFinal ? 1 : RETRY.attempts);
    expect(await fixture.files()).toEqual([]);
    fixture.server.setFault('image', undefined);
    await fixture.fetch();
    expect(await fixture.files()).toHaveLength(1);
  });

  test.each(['ftp://a/b', 'file:///etc/passwd', 'b', '', '//host/x', 'http://', 'data:,x', 'qcow2:http://a'])(
    'the URL %j is refused',
    async (url) => {
      await using fixture = await start();
      await expect(fixture.fetch(url)).rejects.toMatchObject({
        code: 'ECOMPUTE_IMAGE_URL_REFUSED',
        message: `could not use the image URL ${JSON.stringify(url)}`,
        retryable: false,
      });
    },
  );

  test('a server that redirects to a file is not followed there', async () => {
    await using fixture = await start();
    await using redirecting = await startImageServer({}, { redirects: { x: 'file:///etc/passwd', y: fixture.url } });
    await expect(fixture.fetch(redirecting.url('x'))).rejects.toMatchObject({ code: 'ECOMPUTE_IMAGE_URL_REFUSED' });
    expect(await fixture.fetch(redirecting.url('y'))).toMatchObject({ format: 'raw' });
  });
});

describe('an abort', () => {
  test('of one leaves the download to the others; of the last one ends it and leaves nothing', async () => {
    await using fixture = await start();
    fixture.server.setFault('image', 'hang-body');
    const aborts = [new AbortController(), new AbortController()];
    const fetches = aborts.map(async ({ signal }) => fixture.fetch(undefined, { signal }));
    const results = Promise.allSettled(fetches);
    await waitFor(async () => (await fixture.files()).length > 0, { what: 'the download to have begun' });
    aborts[0]?.abort(new Error('first left'));
    await expect(fetches[0]).rejects.toThrow('first left');
    expect(await fixture.files()).not.toEqual([]);
    aborts[1]?.abort(new Error('last left'));
    expect(await results).toMatchObject([{ reason: { message: 'first left' } }, { reason: { message: 'last left' } }]);
    await waitFor(async () => (await fixture.files()).length === 0, { what: 'the rest of the download to go' });
    expect(fixture.server.requests).toHaveLength(1);
  });

  test('who comes after it starts anew', async () => {
    await using fixture = await start();
    fixture.server.setFault('image', 'hang', 1);
    const abort = new AbortController();
    const first = fixture.fetch(undefined, { signal: abort.signal });
    const ended = first.catch((thrown: unknown) => thrown);
    await waitFor(() => fixture.server.requests.length === 1, { what: 'the request' });
    abort.abort(new Error('gone'));
    expect(await fixture.fetch()).toMatchObject({ format: 'raw' });
    expect(await ended).toMatchObject({ message: 'gone' });
    await expect(fixture.fetch(undefined, { signal: abort.signal })).rejects.toThrow('gone');
  });

  test('what a crash left of a download is removed by the next start', async () => {
    await using fixture = await start();
    await fixture.fetch();
    await writeFile(join(fixture.folder, 'b0b.part'), 'half');
    await fixture.reopen();
    expect(await fixture.files()).toHaveLength(1);
  });
});
