import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface ServeFileOptions {
  readonly path: string;
  /** Of its content. */
  readonly sha256: string;
  readonly signal: AbortSignal;
}

/** Sends a file that never changes, or what comes after a byte of it. @throws what the file system says; on abort. */
export const serveFile = async (
  request: IncomingMessage,
  response: ServerResponse,
  { path, sha256, signal }: ServeFileOptions,
): Promise<void> => {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const read = (start: number): Readable =>
    file.createReadStream({ start, autoClose: false, highWaterMark: 256 * 1024 });
  await serveContent(request, response, { size, read, sha256, signal });
};

export interface ServeContentOptions extends Omit<ServeFileOptions, 'path'> {
  readonly size: number;
  /** From that byte to the end. */
  readonly read: (start: number) => Readable;
}

/** The same of what is not a file. @throws what reading says; on abort. */
export const serveContent = async (
  request: IncomingMessage,
  response: ServerResponse,
  { size, read, sha256, signal }: ServeContentOptions,
): Promise<void> => {
  const etag = `"${sha256}"`;
  const first = firstByteOf(request, { etag, size });
  response.writeHead(first === 0 ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': size - first,
    'accept-ranges': 'bytes',
    etag,
    ...(first > 0 && { 'content-range': `bytes ${first}-${size - 1}/${size}` }),
  });
  await pipeline(read(first), response, { signal });
};

/** Of the one form that agents ask in. Anything else gets the whole file, as RFC 9110 lets a server do. */
const firstByteOf = ({ headers }: IncomingMessage, { etag, size }: { etag: string; size: number }): number => {
  const [, digits] = /^bytes=(\d{1,15})-$/.exec(headers.range ?? '') ?? [];
  const isSame = headers['if-range'] === undefined || headers['if-range'] === etag;
  return digits !== undefined && isSame && Number(digits) < size ? Number(digits) : 0;
};
