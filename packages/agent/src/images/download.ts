import { createHash } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import axios, { type AxiosResponse } from 'axios';
import { EcomputeError, formatErrorChain, isAbort } from '@etcd-compute/common/errors';
import { formatBytes } from '@etcd-compute/common/units';

/** What the server said about a version of a file, to ask later whether it is still the newest. */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface Progress {
  readonly bytes: number;
  /** Null when the server does not say. */
  readonly totalBytes: number | null;
}

export interface DownloadOptions {
  readonly url: string;
  /** Written and synced; removed again when the download fails. */
  readonly path: string;
  /** Download only what is newer than this. */
  readonly known?: Validators;
  readonly stallMs: number;
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

const MAX_REDIRECTS = 5;

/** @throws ECOMPUTE_IMAGE_URL_REFUSED unless it is an http or https URL with a host. */
export const checkImageUrl = (text: string): string => {
  const url = URL.parse?.(text) ?? (URL.canParse(text) ? new URL(text) : undefined);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '')
    throw new EcomputeError('ECOMPUTE_IMAGE_URL_REFUSED', `could not use the image URL ${JSON.stringify(text)}`, {
      hint: 'expected an http or https URL, such as https://example.org/debian.qcow2',
    });
  return url.href;
};

/**
 * Downloads a file, or finds it unchanged.
 *
 * @throws EcomputeError ECOMPUTE_IMAGE_DOWNLOAD_FAILED, or ECOMPUTE_IMAGE_TIMED_OUT when the server sends nothing for `stallMs`.
 */
export const download = async (options: DownloadOptions): Promise<DownloadResult> => {
  const { url, stallMs, signal } = options;
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(), stallMs);
  try {
    const response = await request(options, AbortSignal.any([signal, stall.signal]));
    if (response.status === 304) {
      response.data.destroy();
      return { outcome: 'unchanged' };
    }
    return await receive(response, options, timer);
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    if (stall.signal.aborted || isAbort(thrown))
      throw new EcomputeError(
        'ECOMPUTE_IMAGE_TIMED_OUT',
        `could not download ${url}: the server sent nothing for ${stallMs / 1000} s`,
        {
          cause: thrown,
          retryable: true,
          hint: 'check that the URL answers from this host',
        },
      );
    if (thrown instanceof EcomputeError) throw thrown;
    throw new EcomputeError(
      'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
      `could not download ${url}: ${formatErrorChain(thrown)}`,
      {
        cause: thrown,
        retryable: true,
        hint: 'check that the URL answers from this host',
      },
    );
  } finally {
    clearTimeout(timer);
  }
};

const request = async ({ url, known }: DownloadOptions, signal: AbortSignal): Promise<AxiosResponse<Readable>> => {
  const response = await axios.get<Readable>(url, {
    responseType: 'stream',
    signal,
    maxRedirects: MAX_REDIRECTS,
    decompress: false,
    headers: {
      'accept-encoding': 'identity',
      ...(known && known.etag !== null && { 'if-none-match': known.etag }),
      ...(known && known.lastModified !== null && { 'if-modified-since': known.lastModified }),
    },
    validateStatus: () => true,
  });
  if (response.status === 200 || (response.status === 304 && known)) return response;
  response.data.destroy();
  throw new EcomputeError(
    'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
    `could not download ${url}: the server answered ${response.status}`,
    {
      details: { status: response.status },
      retryable: response.status >= 500 || response.status === 429,
      hint: 'check the URL with: curl -I',
    },
  );
};

const receive = async (
  response: AxiosResponse<Readable>,
  { url, path, onProgress }: DownloadOptions,
  stallTimer: NodeJS.Timeout,
): Promise<DownloadResult> => {
  const totalBytes = Number(response.headers['content-length'] ?? Number.NaN);
  const total = Number.isSafeInteger(totalBytes) ? totalBytes : null;
  await checkSpace(dirname(path), total, url);
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'w', 0o644);
  try {
    for await (const chunk of response.data) {
      const data: Uint8Array = chunk;
      stallTimer.refresh();
      hash.update(data);
      await file.writeFile(data); // which, unlike write(), goes on after a short write
      bytes += data.length;
      onProgress({ bytes, totalBytes: total });
    }
    if (total !== null && bytes !== total)
      throw new EcomputeError(
        'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
        `could not download ${url}: it ended after ${bytes} of ${total} bytes`,
        {
          retryable: true,
        },
      );
    await file.sync();
  } catch (err) {
    await rm(path, { force: true });
    throw err;
  } finally {
    await file.close();
  }
  const header = (name: string): string | null => {
    const value: unknown = response.headers[name];
    return typeof value === 'string' ? value : null;
  };
  return {
    outcome: 'downloaded',
    sha256: hash.digest('hex'),
    bytes,
    validators: { etag: header('etag'), lastModified: header('last-modified') },
  };
};

const checkSpace = async (folder: string, totalBytes: number | null, url: string): Promise<void> => {
  const { bavail, bsize } = await statfs(folder);
  if (totalBytes === null || totalBytes < bavail * bsize) return;
  throw new EcomputeError(
    'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
    `could not download ${url}: it has ${formatBytes(totalBytes)}, and ${folder} has ${formatBytes(bavail * bsize)} left`,
    { retryable: true, hint: 'free some space on the host, or set state_dir to a larger file system' },
  );
};
