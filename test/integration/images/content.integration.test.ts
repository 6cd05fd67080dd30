import { randomBytes, createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '@etcd-compute/agent/images/download/download';
import { runCommand } from '@etcd-compute/testing/run-command';
import { describe, expect, test } from 'vitest';
import {
  holds,
  randomImage,
  startImageFixture,
  statuses,
  unaborted,
  type ImageFixture,
} from '../fixtures/image-fixture.js';
import { rawImage } from '../fixtures/agent-world.js';

const sha256 = (content: Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

describe('a checksum', () => {
  test('that is right lets the image in, and then nobody has to be asked any more', async () => {
    await using fixture = await startImageFixture();
    const checksum = sha256(rawImage(600_000));
    const image = await fixture.fetch(undefined, { checksum });
    expect(`sha256:${image.sha256}`).toBe(checksum);
    await fixture.server.stop();
    expect(await fixture.fetch(undefined, { checksum })).toEqual(image);
    expect(statuses(fixture.server)).toEqual([200]);
  });

  test('that is wrong keeps the image out, and leaves nothing', async () => {
    await using fixture = await startImageFixture();
    const checksum = `sha256:${'0'.repeat(64)}`;
    await expect(fixture.fetch(undefined, { checksum })).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_CHECKSUM_WRONG',
      message: `the image ${fixture.url} is not the requested one: its checksum is ${sha256(rawImage(600_000))}, not ${checksum}`,
      retryable: false,
    });
    expect(await fixture.files()).toEqual([]);
  });

  test('that is wrong is told of a cached image too, which stays for those who take it', async () => {
    await using fixture = await startImageFixture();
    const image = await fixture.fetch();
    const wrong = fixture.fetch(undefined, { checksum: `sha256:${'1'.repeat(64)}` });
    await expect(wrong).rejects.toMatchObject({ code: 'ECOMPUTE_IMAGE_CHECKSUM_WRONG' });
    expect(await fixture.fetch()).toEqual(image);
    expect(statuses(fixture.server)).toEqual([200, 304, 304]);
  });

  test('of one is not that of another who asks for the same URL at the same time', async () => {
    await using fixture = await startImageFixture();
    const [wrong, right] = await Promise.allSettled([
      fixture.fetch(undefined, { checksum: `sha256:${'2'.repeat(64)}` }),
      fixture.fetch(),
    ]);
    expect(wrong).toMatchObject({ status: 'rejected', reason: { code: 'ECOMPUTE_IMAGE_CHECKSUM_WRONG' } });
    expect(right).toMatchObject({ status: 'fulfilled' });
    expect(await fixture.files()).toHaveLength(1);
  });
});

describe('a download that breaks', () => {
  test('goes on where it broke', async () => {
    await using fixture = await startImageFixture();
    const content = randomImage(3_000_000);
    await fixture.write(content);
    fixture.server.setFault('image', 'cut', 1);
    const { path } = await fixture.fetch();
    expect(await holds(path, content)).toBe(true);
    expect(statuses(fixture.server)).toEqual([200, 206]);
    expect(fixture.server.requests[1]?.range).toMatch(/^bytes=[1-9]\d+-$/);
  });

  test('begins again when the server has another version by then', async () => {
    await using fixture = await startImageFixture();
    await fixture.write(randomImage(3_000_000));
    fixture.server.setFault('image', 'cut', 1);
    const content = randomImage(2_000_000);
    let isWritten = false;
    fixture.onProgress = () => {
      // In one go: the server, in this process too, never sees half of it.
      if (!isWritten) writeFileSync(join(fixture.folder, '..', 'source'), content);
      isWritten = true;
    };
    const image = await fixture.fetch();
    expect(await holds(image.path, content)).toBe(true);
    expect(statuses(fixture.server)).toEqual([200, 200]);
  });

  test('begins again from a server that cannot go on', async () => {
    await using fixture = await startImageFixture();
    const content = randomImage(3_000_000);
    await fixture.write(content);
    fixture.server.setFault('image', 'cut', 1);
    fixture.onProgress = () => {
      if (fixture.server.requests.length === 1) fixture.server.setFault('image', 'no-range');
    };
    expect(await holds((await fixture.fetch()).path, content)).toBe(true);
    expect(statuses(fixture.server)).toEqual([200, 200]);
  });
});

describe('what is packed', () => {
  const packers = [
    ['gzip', ['gzip', '--stdout']],
    ['xz', ['xz', '--stdout']],
    ['zstd', ['zstd', '--stdout', '--quiet']],
  ] as const;

  const pack = async (fixture: ImageFixture, argv: readonly string[], content: Buffer): Promise<Buffer> => {
    const path = join(fixture.folder, '..', 'unpacked');
    await writeFile(path, content);
    const [program = '', ...args] = argv;
    const shell = `${[program, ...args].join(' ')} < ${path} > ${path}.packed`;
    await runCommand(['sh', '-c', shell]);
    return readFile(`${path}.packed`);
  };

  test.each(packers)('by %s is unpacked; the checksum is of what was sent', async (...[, argv]) => {
    await using fixture = await startImageFixture();
    const content = randomImage(1_000_000);
    const packed = await pack(fixture, argv, content);
    await fixture.write(packed);
    const phases = new Set<Progress['phase']>();
    fixture.onProgress = ({ phase }) => phases.add(phase);
    const image = await fixture.fetch(undefined, { checksum: sha256(packed) });
    expect(await holds(image.path, content)).toBe(true);
    expect(image).toMatchObject({ format: 'raw', virtualSizeBytes: 1_000_448 });
    expect([...phases]).toEqual(['downloading', 'unpacking']);
    expect(await fixture.fetch()).toEqual(image);
    expect(statuses(fixture.server)).toEqual([200, 304]);
    expect(await fixture.files()).toHaveLength(1);
  });

  test.each(packers)('by %s and damaged is told, and leaves nothing', async (...[program, argv]) => {
    await using fixture = await startImageFixture();
    const packed = await pack(fixture, argv, randomImage(1_000_000));
    await fixture.write(packed.subarray(0, 500_000));
    await expect(fixture.fetch()).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_NOT_USABLE',
      message: expect.stringContaining(`could not unpack ${fixture.url}: ${program} says: `),
      retryable: false,
    });
    expect(await fixture.files()).toEqual([]);
  });

  test.each(packers)('by %s to more than an image may have is stopped on the way', async (...[, argv]) => {
    await using fixture = await startImageFixture();
    await fixture.write(await pack(fixture, argv, rawImage(50_000_000)));
    const cache = await fixture.reopen(10_000, { max_size: 10_000_000 / 2 ** 30 });
    let mostBytes = 0;
    fixture.onProgress = ({ bytes }) => {
      mostBytes = Math.max(mostBytes, bytes);
    };
    await expect(cache.fetch(fixture.url, unaborted())).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_TOO_LARGE',
      retryable: false,
    });
    expect(mostBytes).toBeLessThanOrEqual(10_000_000);
    expect(await fixture.files()).toEqual([]);
  });

  test('twice is not unpacked twice', async () => {
    await using fixture = await startImageFixture();
    const once = await pack(fixture, ['gzip', '--stdout'], rawImage(100_000));
    await fixture.write(await pack(fixture, ['gzip', '--stdout'], once));
    await expect(fixture.fetch()).rejects.toThrow('is not usable as a disk image: it is gzip data');
    expect(await fixture.files()).toEqual([]);
  });
});

describe('space', () => {
  test('for more than an image may have is not given, whatever the server says of its size', async () => {
    await using fixture = await startImageFixture();
    const cache = await fixture.reopen(10_000, { max_size: 500_000 / 2 ** 30 });
    for (const fault of [undefined, 'no-length'] as const) {
      fixture.server.setFault('image', fault);
      await expect(cache.fetch(fixture.url, unaborted())).rejects.toMatchObject({
        code: 'ECOMPUTE_IMAGE_TOO_LARGE',
        message: expect.stringContaining('it has more than the 488.3 KiB that this host allows for an image'),
      });
      expect(await fixture.files()).toEqual([]);
    }
  });

  test('that is to stay free is left free; another host may have more', async () => {
    await using fixture = await startImageFixture();
    const cache = await fixture.reopen(10_000, { keep_free: 1_000_000_000 });
    await expect(cache.fetch(fixture.url, unaborted())).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_NO_SPACE',
      retryable: true,
      hint: expect.stringContaining('images.keep_free'),
    });
    expect(fixture.server.requests).toHaveLength(1);
    expect(await fixture.files()).toEqual([]);
  });

  test('is not taken by zeros', async () => {
    await using fixture = await startImageFixture();
    const content = rawImage(8_000_000);
    content.set(randomBytes(5000), 4_000_001);
    await fixture.write(content);
    const { path } = await fixture.fetch();
    expect(await holds(path, content)).toBe(true);
    expect((await stat(path)).blocks * 512).toBeLessThan(1_000_000);
  });
});
