import { retry } from '@etcd-compute/common/async/retry';
import { EcomputeError, formatErrorChain } from '@etcd-compute/common/errors';
import { formatBytes } from '@etcd-compute/common/units';
import type { DownloadSettings } from '../download/download.js';
import { requestImage } from '../download/request-image.js';

/** Debian's and Ubuntu's have some 10 KiB. */
const MAX_BYTES = 1024 * 1024;

export interface FetchListOptions extends Pick<DownloadSettings, 'source' | 'retry'> {
  readonly url: string;
  /** Of each attempt, from the first byte to the last. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Fetches a list of checksums, under the same rules as an image.
 *
 * @throws ECOMPUTE_IMAGE_DOWNLOAD_FAILED, ECOMPUTE_IMAGE_TIMED_OUT, ECOMPUTE_IMAGE_URL_REFUSED; the signal's reason on abort.
 */
export const fetchChecksumList = async (options: FetchListOptions): Promise<string> => {
  const { retry: pause, signal } = options;
  const isWorthIt = (err: unknown, attempt: number): boolean =>
    err instanceof EcomputeError && err.retryable && attempt < pause.attempts;
  return retry(async () => fetchOnce(options), { isWorthIt, pause, signal });
};

const fetchOnce = async (options: FetchListOptions): Promise<string> => {
  const { url, timeoutMs, signal } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const what = `could not fetch the list of checksums ${url}`;
  try {
    return await read(what, options, AbortSignal.any([signal, timeout]));
  } catch (thrown) {
    if (signal.aborted || thrown instanceof EcomputeError) throw thrown;
    const [code, reason] = timeout.aborted
      ? (['ECOMPUTE_IMAGE_TIMED_OUT', `it did not come within ${timeoutMs / 1000} s`] as const)
      : (['ECOMPUTE_IMAGE_DOWNLOAD_FAILED', formatErrorChain(thrown)] as const);
    throw new EcomputeError(code, `${what}: ${reason}`, {
      cause: thrown,
      retryable: true,
      hint: 'check that the URL answers from this host',
    });
  }
};

const read = async (what: string, { url, source }: FetchListOptions, signal: AbortSignal): Promise<string> => {
  const { status, data } = await requestImage({ url, headers: {}, source, signal });
  if (status !== 200) {
    data.destroy();
    throw new EcomputeError('ECOMPUTE_IMAGE_DOWNLOAD_FAILED', `${what}: the server answered ${status}`, {
      details: { status },
      retryable: status >= 500 || status === 429 || status === 408,
      hint: 'check the URL with: curl -I',
    });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of data) {
    const piece: Buffer = chunk;
    bytes += piece.length;
    if (bytes > MAX_BYTES)
      throw new EcomputeError(
        'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
        `${what}: it has more than the ${formatBytes(MAX_BYTES)} allowed for a list`,
        { hint: 'give the URL of a list such as SHA256SUMS, not of an image' },
      );
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString('utf8');
};
