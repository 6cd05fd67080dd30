import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { startImageServer } from '@etcd-compute/testing/image-server';
import { describe, expect, test } from 'vitest';
import { SHORT_STALL_MS, SIZE, startImageFixture, unaborted, type ImageFixture } from '../fixtures/image-fixture.js';
import { rawImage } from '../fixtures/agent-world.js';

/** `--checksum` with the URL of a list, as mirrors have it beside their images; and SHA-512. */

const digest = (algorithm: string, content: Buffer): string => createHash(algorithm).update(content).digest('hex');
const lineOf = (content: Buffer, algorithm = 'sha256', name = 'image'): string =>
  `${digest(algorithm, content)}  ${name}\n`;

const writeList = async (fixture: ImageFixture, text: string): Promise<string> => {
  const path = join(fixture.folder, '..', 'list');
  await writeFile(path, text);
  fixture.server.setFile('SHA256SUMS', path);
  return fixture.server.url('SHA256SUMS');
};

/** What was asked of the server, in order. */
const asked = (fixture: ImageFixture): string[] =>
  fixture.server.requests.map(({ name, status }) => `${name === 'image' ? 'image' : 'list'} ${status}`);

describe('a list of checksums', () => {
  test.each(['sha256', 'sha512'])('of %s lets the right image in, once for all who ask', async (algorithm) => {
    await using fixture = await startImageFixture();
    const checksum = await writeList(fixture, lineOf(rawImage(SIZE), algorithm));
    const images = await Promise.all(Array.from({ length: 5 }, async () => fixture.fetch(undefined, { checksum })));
    expect(new Set(images.map(({ sha256 }) => sha256))).toEqual(new Set([digest('sha256', rawImage(SIZE))]));
    await expect.poll(() => asked(fixture)).toEqual(['list 200', 'image 200']);
    // Then the image's server has nothing to say any more.
    await fixture.fetch(undefined, { checksum });
    await expect.poll(() => asked(fixture)).toEqual(['list 200', 'image 200', 'list 200']);
    expect(await fixture.files()).toHaveLength(1);
  });

  test('keeps another image out, and says which list it is', async () => {
    await using fixture = await startImageFixture();
    const checksum = await writeList(fixture, lineOf(rawImage(SIZE, 9)));
    await expect(fixture.fetch(undefined, { checksum })).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_CHECKSUM_WRONG',
      message: expect.stringContaining(`not sha256:${digest('sha256', rawImage(SIZE, 9))} as ${checksum} says`),
    });
    expect(await fixture.files()).toEqual([]);
  });

  test('is asked again for what is fetched again', async () => {
    await using fixture = await startImageFixture();
    const checksum = await writeList(fixture, lineOf(rawImage(SIZE)));
    const first = await fixture.fetch(undefined, { checksum });
    await fixture.write(rawImage(SIZE, 1));
    // The image is new, and the list is not: what it lists is here.
    expect(await fixture.fetch(undefined, { checksum })).toEqual(first);
    await writeList(fixture, lineOf(rawImage(SIZE, 1)));
    const second = await fixture.fetch(undefined, { checksum });
    expect(second.sha256).toBe(digest('sha256', rawImage(SIZE, 1)));
    // The list is new, and the image is not.
    await writeList(fixture, lineOf(rawImage(SIZE, 2)));
    await expect(fixture.fetch(undefined, { checksum })).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_CHECKSUM_WRONG',
    });
    expect(await fixture.files()).toHaveLength(2);
  });

  test('that is away holds for what it was asked of before, and for nothing else', async () => {
    await using fixture = await startImageFixture();
    const checksum = await writeList(fixture, lineOf(rawImage(SIZE)));
    fixture.server.setFault('SHA256SUMS', '500');
    const away = { code: 'ECOMPUTE_IMAGE_DOWNLOAD_FAILED', retryable: true };
    await fixture.fetch();
    await expect(fixture.fetch(undefined, { checksum })).rejects.toMatchObject(away);
    fixture.server.setFault('SHA256SUMS', undefined);
    const image = await fixture.fetch(undefined, { checksum });
    await fixture.server.stop();
    expect(await fixture.fetch(undefined, { checksum })).toEqual(image);
    await expect(fixture.fetch(undefined, { checksum: `${checksum}.other` })).rejects.toMatchObject(away);
  });

  test('without the image is told, and the image is not asked for', async () => {
    await using fixture = await startImageFixture();
    const checksum = await writeList(fixture, lineOf(rawImage(SIZE), 'sha256', 'other.img'));
    await expect(fixture.fetch(undefined, { checksum })).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_CHECKSUM_MISSING',
      message: `could not find the checksum of "image", for the image ${fixture.url}, in ${checksum}: it has no line of that name; it lists other.img`,
    });
    await expect.poll(() => asked(fixture)).toEqual(['list 200']);
    expect(await fixture.files()).toEqual([]);
  });

  test('is bounded in size and time, and may be where images may be', async () => {
    await using fixture = await startImageFixture();
    const checksum = await writeList(fixture, `${lineOf(rawImage(SIZE))}${'#'.repeat(2 ** 20)}\n`);
    await expect(fixture.fetch(undefined, { checksum })).rejects.toThrow(
      `could not fetch the list of checksums ${checksum}: it has more than the 1 MiB allowed for a list`,
    );
    fixture.server.setFault('SHA256SUMS', 'hang-body');
    const impatient = await fixture.reopen(SHORT_STALL_MS);
    await expect(impatient.fetch(fixture.url, { ...unaborted(), checksum })).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_TIMED_OUT',
      message: expect.stringContaining('it did not come within 0.2 s'),
    });
    fixture.server.setFault('SHA256SUMS', '404');
    await expect(fixture.fetch(undefined, { checksum })).rejects.toMatchObject({
      message: `could not fetch the list of checksums ${checksum}: the server answered 404`,
      retryable: false,
    });
    await using elsewhere = await startImageServer({}, { host: '127.0.0.2', redirects: { x: checksum } });
    await expect(fixture.fetch(undefined, { checksum: elsewhere.url('x') })).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_URL_REFUSED',
    });
    expect(asked(fixture).filter((request) => request.startsWith('image'))).toEqual([]);
    expect(await fixture.files()).toEqual([]);
  });
});

describe('a digest that is here', () => {
  test('needs no server, from whatever URL it came, and after that URL gave something else', async () => {
    await using fixture = await startImageFixture();
    const first = await fixture.fetch(fixture.server.url('other/image'));
    await fixture.write(rawImage(SIZE, 1));
    await fixture.fetch(fixture.server.url('other/image'));
    await fixture.server.stop();
    expect(await fixture.fetch(undefined, { checksum: `sha256:${first.sha256}` })).toEqual(first);
    const second = `sha256:${digest('sha256', rawImage(SIZE, 1))}`;
    expect(`sha256:${(await fixture.fetch(undefined, { checksum: second })).sha256}`).toBe(second);
  });

  test('of SHA-512 is worked out from what is here; of what was packed, it is fetched again', async () => {
    await using fixture = await startImageFixture();
    const checksum = `sha512:${digest('sha512', rawImage(SIZE))}`;
    const image = await fixture.fetch();
    expect(await fixture.fetch(undefined, { checksum })).toEqual(image);
    await expect.poll(() => asked(fixture)).toEqual(['image 200']);
    const packed = gzipSync(rawImage(SIZE));
    await fixture.write(packed);
    await fixture.fetch();
    for (const _time of [1, 2])
      expect(await fixture.fetch(undefined, { checksum: `sha512:${digest('sha512', packed)}` })).toEqual(image);
    await expect.poll(() => asked(fixture)).toEqual(['image 200', 'image 200', 'image 200']);
  });

  test('another than what is here is not mistaken for it while the server is away', async () => {
    await using fixture = await startImageFixture();
    await fixture.fetch();
    await fixture.server.stop();
    await expect(fixture.fetch(undefined, { checksum: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
      retryable: true,
    });
  });
});
