import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError, formatErrorChain, isAbort } from '@etcd-compute/common/errors';
import type { SnapshotSource } from '@etcd-compute/common/etcd/messages/snapshot';
import type { Digests } from './digests.js';
import { strongValidator, type PartialDownload, type Validators } from './partial-download.js';
import { createRate } from './transfer-rate.js';
import type { ImageResponse } from '@etcd-compute/common/images/request-url';
import { requestImage } from './request-image.js';
import type { ImageSource } from './source.js';
import type { SpaceGuard } from './space.js';

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
  /** Where it is when it is a snapshot. */
  readonly from?: SnapshotSource | undefined;
  /** Gone on with, written and synced. Whoever made it closes it, and removes it when it is of no use. */
  readonly partial: PartialDownload;
  /** Download only what is newer than this. */
  readonly known?: Validators;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

export type DownloadResult =
  | { readonly outcome: 'unchanged' }
  | {
      readonly outcome: 'downloaded';
      readonly digests: Digests;
      readonly bytes: number;
      readonly validators: Validators;
    };

/** An attempt that brought this much does not count. */
const WORTH_BYTES = 1024 * 1024;

/**
 * Downloads a file, or finds it unchanged. A download that breaks is taken up where it broke when the server can, and is given up
 * after a number of attempts in a row that brought little.
 *
 * @throws EcomputeError ECOMPUTE_IMAGE_DOWNLOAD_FAILED, ECOMPUTE_IMAGE_TIMED_OUT when the server sends nothing for `stallMs`,
 *   ECOMPUTE_IMAGE_URL_REFUSED, ECOMPUTE_IMAGE_TOO_LARGE, ECOMPUTE_IMAGE_NO_SPACE.
 */
export const download = async (options: DownloadOptions): Promise<DownloadResult> => {
  const { partial, retry, signal } = options;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const before = partial.size;
      try {
        if ((await downloadOnce(options)) === 'unchanged') return { outcome: 'unchanged' };
        return { outcome: 'downloaded', ...(await partial.finish()), validators: partial.validators };
      } catch (err) {
        if (partial.size - before >= WORTH_BYTES) attempt = 1;
        if (!isWorthTrying(err) || attempt >= retry.attempts) throw err;
        await sleep(backoff(attempt, retry), signal);
      }
    }
  } catch (err) {
    throw signal.aborted ? signal.reason : err;
  }
};

/** A disk without room has none in a second either; another host may. */
const isWorthTrying = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.retryable && thrown.code !== 'ECOMPUTE_IMAGE_NO_SPACE';

const downloadOnce = async (options: DownloadOptions): Promise<'unchanged' | 'done'> => {
  const { url, stallMs, signal } = options;
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(), stallMs);
  const hint = 'check that the URL answers from this host';
  try {
    const response = await ask(options, AbortSignal.any([signal, stall.signal]));
    if (response === 'unchanged') return 'unchanged';
    await receive(response, options, timer);
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

const askHeaders = ({ known, partial }: DownloadOptions): Record<string, string> => {
  const validator = strongValidator(partial.validators);
  if (partial.size > 0 && validator !== null) return { range: `bytes=${partial.size}-`, 'if-range': validator };
  return {
    ...(known && known.etag !== null && { 'if-none-match': known.etag }),
    ...(known && known.lastModified !== null && { 'if-modified-since': known.lastModified }),
  };
};

/** @returns a response whose body goes on where the part ends. */
const ask = async (options: DownloadOptions, signal: AbortSignal): Promise<ImageResponse | 'unchanged'> => {
  const { url, from, known, source, partial } = options;
  const headers = askHeaders(options);
  const response = await requestImage({ url, from, headers, source, signal });
  const { status } = response;
  if (status === 206 && String(response.headers['content-range']).startsWith(`bytes ${partial.size}-`)) return response;
  if (status === 200) {
    await startAnew(partial, response);
    return response;
  }
  response.data.destroy();
  if (status === 304 && known) return 'unchanged';
  if (headers['range'] !== undefined) await startAnew(partial, undefined);
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

const startAnew = async (partial: PartialDownload, response: ImageResponse | undefined): Promise<void> => {
  const header = (name: string): string | null => {
    const value: unknown = response?.headers[name];
    return typeof value === 'string' ? value : null;
  };
  const totalBytes = Number(header('content-length') ?? Number.NaN);
  await partial.startAnew({
    etag: header('etag'),
    lastModified: header('last-modified'),
    totalBytes: Number.isSafeInteger(totalBytes) ? totalBytes : null,
  });
};

/** Of a server that does not say how much comes, the space is looked at again after this much. */
const CHECK_EVERY_BYTES = 64 * 1024 * 1024;

const receive = async (
  response: ImageResponse,
  { url, space, onProgress, partial }: DownloadOptions,
  stallTimer: NodeJS.Timeout,
): Promise<void> => {
  const { totalBytes } = partial;
  const rate = createRate(() => performance.now());
  const what = `could not download ${url}`;
  await space.check(what, { totalBytes: totalBytes ?? 0, moreBytes: Math.max(0, (totalBytes ?? 0) - partial.size) });
  let checkAt = partial.size + CHECK_EVERY_BYTES;
  for await (const chunk of response.data) {
    const data: Uint8Array = chunk;
    stallTimer.refresh();
    await partial.append(data);
    // Also of one that says less than it sends.
    if (partial.size >= checkAt || (totalBytes !== null && partial.size > totalBytes)) {
      await space.check(what, { totalBytes: partial.size, moreBytes: totalBytes === null ? CHECK_EVERY_BYTES : 0 });
      checkAt = partial.size + CHECK_EVERY_BYTES;
    }
    const bytesPerSecond = rate.add(partial.size) ?? null;
    onProgress({ phase: 'downloading', bytes: partial.size, totalBytes, bytesPerSecond });
  }
  // One without a length that sends less than the interval.
  await space.check(what, { totalBytes: partial.size, moreBytes: 0 });
  if (totalBytes !== null && partial.size !== totalBytes)
    throw new EcomputeError(
      'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
      `${what}: it ended after ${partial.size} of ${totalBytes} bytes`,
      { retryable: true },
    );
};
