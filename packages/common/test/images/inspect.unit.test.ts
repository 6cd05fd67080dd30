import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectImage } from '@etcd-compute/common/images/inspect';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BAD_IMAGES, bootSector, file, qcow2 } from './bad-images.js';

const GIB = 1024 ** 3;

let path: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inspect-'));
  path = join(folder, 'image');
});
afterAll(async () => rm(folder, { recursive: true }));

const inspect = async (content: Uint8Array | string) => {
  await writeFile(path, content);
  return inspectImage(path, 'http://images/x');
};

describe('is taken', () => {
  test.each([
    ['a raw disk with a boot sector', file(1_048_576, bootSector), 'raw', 1_048_576],
    ['a raw disk of one sector', file(512, bootSector), 'raw', 512],
    ['a raw disk whose size is no whole sector', file(1000, bootSector), 'raw', 1024],
    ['a GPT disk', file(4096, bootSector, [512, 'EFI PART']), 'raw', 4096],
    ['qcow2 version 2', qcow2({ version: 2 }), 'qcow2', GIB],
    ['qcow2 version 3', qcow2({ virtualSize: 5n * BigInt(GIB), headerLength: 112 }), 'qcow2', 5 * GIB],
    ['qcow2 that was not closed cleanly', qcow2({ incompatible: 1n }), 'qcow2', GIB],
    ['qcow2 compressed with zstd', qcow2({ incompatible: 8n }), 'qcow2', GIB],
  ])('%s', async (...[, content, format, virtualSizeBytes]) => {
    expect(await inspect(content)).toEqual({ format, virtualSizeBytes });
  });
});

describe('is refused', () => {
  test.each(BAD_IMAGES)('%s', async (...[, content, reason]) => {
    await expect(inspect(content)).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_NOT_USABLE',
      message: expect.stringMatching(/^http:\/\/images\/x is not usable as a disk image: /),
      hint: 'give the URL of a raw or qcow2 disk image',
      retryable: false,
    });
    await expect(inspect(content)).rejects.toThrow(reason);
  });

  test('what it quotes of the content is plain text in one line', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (content) => {
        const error: unknown = await inspect(content).catch((thrown: unknown) => thrown);
        expect(error instanceof Error && error.message).toMatch(/^[\x20-\x7e]*$/);
      }),
      { numRuns: 50 },
    );
  });
});
