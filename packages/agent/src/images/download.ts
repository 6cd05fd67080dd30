import { createHash, type Hash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { AxiosResponse } from 'axios';
import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError, formatErrorChain, isAbort } from '@etcd-compute/common/errors';
import { createRate } from './rate.js';
import { requestImage } from './request.js';
import type { ImageSource } from './source.js';
import type { SpaceGuard } from './space.js';
import { SparseFile } from './sparse-file.js';

/** What the server said about a version of a file, to ask later whether it is still the newest. */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface Progress {
  readonly phase: 'downloading' | 'unpacking';
  readonly bytes: number;
  /** Null when nobody knows. */
  readonly totalBytes: number | null;
  /** Null at the beginning. */
  readonly bytesPerSecond: number | null;
}

/** What downloads share. */
export interface DownloadSettings {
  readonly source: ImageSource;
  readonly space: SpaceGuard;
  readonly stallMs: number;
  readonly retry: { readonly attempts: number; readonly minMs: number; readonly maxMs: number };
}

export interface DownloadOptions extends DownloadSettings {
  readonly url: string;
  /** Written and synced; removed again when the download fails. */
  readonly path: string;
  /** Download only what is newer than this. */
  readonly known?: Validators;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

export type DownloadResult =
  | { readonly outcome: 'unchanged' }
  | {
      readonly outcome: 'downloaded';
      readonly sha256: string;
      readonly bytes: number;
      readonly validators: Validators;
    };

/** What has arrived so far. */
interface Part {
  readonly file: SparseFile;
  hash: Hash;
  validators: Validators;
  totalBytes: number | null;
}

/** An attempt that brought this much does not count. */
const WORTH_BYTES = 1024 * 1024;

const NOTHING: Validators = { etag: null, lastModified: null };

/**
 * Downloads a file, or finds it unchanged. A download that breaks is taken up where it broke when the server can, and is given up
 * after a number of attempts in a row that brought little.
 *
 * @throws EcomputeError ECOMPUTE_IMAGE_DOWNLOAD_FAILED, ECOMPUTE_IMAGE_TIMED_OUT when the server sends nothing for `stallMs`,
 *   ECOMPUTE_IMAGE_URL_REFUSED, ECOMPUTE_IMAGE_TOO_LARGE, ECOMPUTE_IMAGE_NO_SPACE.
 */
export const download = async (options: DownloadOptions): Promise<DownloadResult> => {
  const { path, retry, signal } = options;
  await using file = await SparseFile.create(path);
  const part: Part = { file, hash: createHash('sha256'), validators: NOTHING, totalBytes: null };
  try {
    for (let attempt = 1; ; attempt += 1) {
      const before = file.size;
      try {
        if ((await downloadOnce(options, part)) === 'unchanged') {
          await rm(path, { force: true });
          return { outcome: 'unchanged' };
        }
        await file.finish();
        return {
          outcome: 'downloaded',
          sha256: part.hash.digest('hex'),
          bytes: file.size,
          validators: part.validators,
        };
      } catch (err) {
        if (file.size - before >= WORTH_BYTES) attempt = 1;
        if (!isWorthTrying(err) || attempt >= retry.attempts) throw err;
        await sleep(backoff(attempt, retry), signal);
      }
    }
  } catch (err) {
    await rm(path, { force: true });
    throw signal.aborted ? signal.reason : err;
  }
};

/** A disk without room has none in a second either; another host may. */
const isWorthTrying = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.retryable && thrown.code !== 'ECOMPUTE_IMAGE_NO_SPACE';

const downloadOnce = async (options: DownloadOptions, part: Part): Promise<'unchanged' | 'done'> => {
  const { url, stallMs, signal } = options;
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(), stallMs);
  const hint = 'check that the URL answers from this host';
  try {
    const response = await ask(options, part, AbortSignal.any([signal, stall.signal]));
    if (response === 'unchanged') return 'unchanged';
    await receive(response, options, { part, stallTimer: timer });
    return 'done';
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    if (stall.signal.aborted || isAbort(thrown))
      throw new EcomputeError(
        'ECOMPUTE_IMAGE_TIMED_OUT',
        `could not download ${url}: the server sent nothing for ${stallMs / 1000} s`,
        { cause: thrown, retryable: true, hint },
      );
    if (thrown instanceof EcomputeError) throw thrown;
    throw new EcomputeError(
      'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
      `could not download ${url}: ${formatErrorChain(thrown)}`,
      { cause: thrown, retryable: true, hint },
    );
  } finally {
    clearTimeout(timer);
  }
};

/** Only a strong one says that the bytes are the same. https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5 */
const strongValidator = ({ etag, lastModified }: Validators): string | null =>
  etag === null ? lastModified : etag.startsWith('W/') ? null : etag;

const askHeaders = ({ known }: DownloadOptions, { file, validators }: Part): Record<string, string> => {
  const validator = strongValidator(validators);
  if (file.size > 0 && validator !== null) return { range: `bytes=${file.size}-`, 'if-range': validator };
  return {
    ...(known && known.etag !== null && { 'if-none-match': known.etag }),
    ...(known && known.lastModified !== null && { 'if-modified-since': known.lastModified }),
  };
};

/** @returns a response whose body goes on where the part ends. */
const ask = async (
  options: DownloadOptions,
  part: Part,
  signal: AbortSignal,
): Promise<AxiosResponse<Readable> | 'unchanged'> => {
  const { url, known, source } = options;
  const headers = askHeaders(options, part);
  const response = await requestImage({ url, headers, source, signal });
  const { status } = response;
  if (status === 206 && response.headers['content-range']?.toString().startsWith(`bytes ${part.file.size}-`))
    return response;
  if (status === 200) {
    await startAnew(part, response);
    return response;
  }
  response.data.destroy();
  if (status === 304 && known) return 'unchanged';
  if (headers['range'] !== undefined) await startAnew(part, undefined);
  throw new EcomputeError(
    'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
    `could not download ${url}: the server answered ${status}`,
    {
      details: { status },
      retryable: status >= 500 || status === 429 || status === 408 || headers['range'] !== undefined,
      hint: 'check the URL with: curl -I',
    },
  );
};

const startAnew = async (part: Part, response: AxiosResponse<Readable> | undefined): Promise<void> => {
  const header = (name: string): string | null => {
    const value: unknown = response?.headers[name];
    return typeof value === 'string' ? value : null;
  };
  const totalBytes = Number(header('content-length') ?? Number.NaN);
  await part.file.clear();
  part.hash = createHash('sha256');
  part.validators = { etag: header('etag'), lastModified: header('last-modified') };
  part.totalBytes = Number.isSafeInteger(totalBytes) ? totalBytes : null;
};

/** Of a server that does not say how much comes, the space is looked at again after this much. */
const CHECK_EVERY_BYTES = 64 * 1024 * 1024;

const receive = async (
  response: AxiosResponse<Readable>,
  { url, space, onProgress }: DownloadOptions,
  { part, stallTimer }: { part: Part; stallTimer: NodeJS.Timeout },
): Promise<void> => {
  const { file, totalBytes } = part;
  const rate = createRate(() => performance.now());
  const what = `could not download ${url}`;
  await space.check(what, { totalBytes: totalBytes ?? 0, moreBytes: Math.max(0, (totalBytes ?? 0) - file.size) });
  let checkAt = file.size + CHECK_EVERY_BYTES;
  for await (const chunk of response.data) {
    const data: Uint8Array = chunk;
    stallTimer.refresh();
    part.hash.update(data);
    await file.append(data);
    // Also of one that says less than it sends.
    if (file.size >= checkAt || (totalBytes !== null && file.size > totalBytes)) {
      await space.check(what, { totalBytes: file.size, moreBytes: totalBytes === null ? CHECK_EVERY_BYTES : 0 });
      checkAt = file.size + CHECK_EVERY_BYTES;
    }
    const bytesPerSecond = rate.add(file.size) ?? null;
    onProgress({ phase: 'downloading', bytes: file.size, totalBytes, bytesPerSecond });
  }
  // One without a length that sends less than the interval.
  await space.check(what, { totalBytes: file.size, moreBytes: 0 });
  if (totalBytes !== null && file.size !== totalBytes)
    throw new EcomputeError(
      'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
      `${what}: it ended after ${file.size} of ${totalBytes} bytes`,
      { retryable: true },
    );
};
