import { rm } from 'node:fs/promises';
import { SparseFile } from '@etcd-compute/common/images/sparse-file';
import { createDigests, type BlobDigests } from './digests.js';
import type { SpaceGuard } from './space.js';

/** A file that has come whole, and is on the disk. */
export interface Received extends BlobDigests {
  readonly path: string;
  readonly size: number;
}

export interface ReceiveOptions {
  /** Written anew. */
  readonly path: string;
  readonly space: SpaceGuard;
  /** Undefined when nobody has said. */
  readonly announcedBytes: number | undefined;
  /** How long nothing may come. */
  readonly stallMs: number;
  /** Ends what sends. */
  readonly onStall: () => void;
}

/** Space is looked at again after this much. */
const CHECK_EVERY_BYTES = 64 * 1024 * 1024;

/**
 * Writes what comes, without holding more than a piece of it.
 *
 * @throws what the source throws, and HttpError 413. Nothing is left then.
 */
export const receive = async (source: AsyncIterable<Uint8Array>, options: ReceiveOptions): Promise<Received> => {
  const { path } = options;
  try {
    return await write(source, options);
  } catch (err) {
    await rm(path, { force: true });
    throw err;
  }
};

const write = async (
  source: AsyncIterable<Uint8Array>,
  { path, space, announcedBytes = 0, stallMs, onStall }: ReceiveOptions,
): Promise<Received> => {
  await space.check({ totalBytes: announcedBytes, moreBytes: announcedBytes });
  const digests = createDigests();
  const timer = setTimeout(onStall, stallMs);
  try {
    await using file = await SparseFile.create(path);
    let checkAt = 0;
    for await (const chunk of source) {
      timer.refresh();
      if (file.size + chunk.length > checkAt) {
        await space.check({ totalBytes: file.size + chunk.length, moreBytes: chunk.length });
        checkAt = file.size + chunk.length + CHECK_EVERY_BYTES;
      }
      digests.update(chunk);
      await file.append(chunk);
    }
    await space.check({ totalBytes: file.size, moreBytes: 0 });
    await file.finish();
    return { path, size: file.size, ...digests.finish() };
  } finally {
    clearTimeout(timer);
  }
};
