import { open, type FileHandle } from 'node:fs/promises';
import type { CompletedPart } from '@aws-sdk/client-s3';
import type { Bucket } from './bucket.js';

/** Objects up to this have one request. */
const PART_BYTES = 8 * 1024 * 1024;
/** As many as Swift takes; AWS takes ten times as many. */
const MAX_PARTS = 1000;
/** S3 may have to put the parts together. */
const COMPLETE_MS = 300_000;

/**
 * Puts a file in a bucket, part by part: no more than one part is in memory, 8 MiB, or a thousandth of a file above 8 GB. Each request is
 * signed with the SHA-256 of what it sends.
 *
 * @throws as `Bucket.ask` does. Nothing is left then, unless S3 does not answer.
 */
export const putFile = async (
  bucket: Bucket,
  { path, size, key }: { readonly path: string; readonly size: number; readonly key: string },
): Promise<void> => {
  await using file = await open(path, 'r');
  await (size > PART_BYTES ? putParts : putWhole)(bucket, { file, size, key });
};

const putWhole = async ({ sdk, ask, client, bucket }: Bucket, { file, size, key }: Source): Promise<void> => {
  const body = await readPart(file, { start: 0, into: Buffer.allocUnsafeSlow(size) });
  await ask('put an image', async (options) =>
    client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: key, Body: body }), options),
  );
};

interface Source {
  readonly file: FileHandle;
  readonly size: number;
  readonly key: string;
}

const putParts = async (bucket: Bucket, { file, size, key }: Source): Promise<void> => {
  const { sdk, ask, client } = bucket;
  const object = { Bucket: bucket.bucket, Key: key };
  const { UploadId } = await ask('begin to put an image', async (options) =>
    client.send(new sdk.CreateMultipartUploadCommand(object), options),
  );
  const upload = { ...object, UploadId };
  try {
    const parts = await sendParts(bucket, { file, size, upload });
    await ask(
      'end putting an image',
      async (options) =>
        client.send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }), options),
      COMPLETE_MS,
    );
  } catch (err) {
    // What cannot be aborted now is a leftover, which is looked for later.
    await ask('give up an image', async (options) =>
      client.send(new sdk.AbortMultipartUploadCommand(upload), options),
    ).catch(() => undefined);
    throw err;
  }
};

const sendParts = async (
  { sdk, ask, client }: Bucket,
  {
    file,
    size,
    upload,
  }: Pick<Source, 'file' | 'size'> & {
    readonly upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined };
  },
): Promise<CompletedPart[]> => {
  const partBytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS));
  // One after another, so all have the same memory.
  const memory = Buffer.allocUnsafeSlow(partBytes);
  const parts: CompletedPart[] = [];
  for (let start = 0; start < size; start += partBytes) {
    const body = await readPart(file, { start, into: memory.subarray(0, size - start) });
    const PartNumber = parts.length + 1;
    const { ETag } = await ask('put a part of an image', async (options) =>
      client.send(new sdk.UploadPartCommand({ ...upload, PartNumber, Body: body }), options),
    );
    parts.push({ PartNumber, ETag });
  }
  return parts;
};

const readPart = async (
  file: FileHandle,
  { start, into }: { readonly start: number; readonly into: Buffer },
): Promise<Buffer> => {
  let filled = 0;
  while (filled < into.length) {
    const { bytesRead } = await file.read(into, filled, into.length - filled, start + filled);
    if (bytesRead === 0) throw new Error(`a file that was received ends after ${start + filled} bytes`);
    filled += bytesRead;
  }
  return into;
};
