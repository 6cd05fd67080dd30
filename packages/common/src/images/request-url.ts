import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import axios, { type AxiosResponse } from 'axios';
import { EcomputeError } from '../errors.js';
import type { UrlPolicy } from './url-policy.js';

const MAX_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

export interface ImageResponse {
  readonly status: number;
  /** In lower case. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly data: Readable;
}

/** How image servers are asked. */
export interface UrlSource {
  readonly policy: UrlPolicy;
  /** Undefined: the usual authorities. */
  readonly ca: readonly string[] | undefined;
  readonly loginFor: (host: string) => { readonly username: string; readonly password: string } | undefined;
}

export interface UrlRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly source: UrlSource;
  readonly signal: AbortSignal;
}

/**
 * Asks for an image. Redirects are followed here, not by the HTTP client: each hop is judged like the URL itself, and is told the
 * password of its own host only. The body, which the caller must read or destroy, is as it was sent.
 *
 * @throws ECOMPUTE_IMAGE_URL_REFUSED, ECOMPUTE_IMAGE_DOWNLOAD_FAILED after too many redirects; errors of the network as they are.
 */
export const requestUrl = async (request: UrlRequest): Promise<ImageResponse> => {
  let url = request.source.policy.check(request.url);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const response = await ask(url, request);
    const { location } = response.headers;
    if (!REDIRECTS.includes(response.status) || typeof location !== 'string') return response;
    response.data.destroy();
    url = nextHop(url, location, request);
  }
  throw new EcomputeError(
    'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
    `could not download ${request.url}: it redirects more than ${MAX_REDIRECTS} times`,
    { hint: 'check the URL with: curl -IL' },
  );
};

const nextHop = (from: URL, location: string, { url, source }: UrlRequest): URL => {
  if (!URL.canParse(location, from.href))
    throw new EcomputeError(
      'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
      `could not download ${url}: it redirects to something that is not a URL`,
    );
  const next = source.policy.check(new URL(location, from.href).href);
  if (from.protocol === 'https:' && next.protocol === 'http:')
    throw new EcomputeError(
      'ECOMPUTE_IMAGE_URL_REFUSED',
      `could not use the image URL ${JSON.stringify(url)}: it redirects from https to ${next.href}, which is not protected`,
      { hint: 'give that URL itself, with --checksum' },
    );
  return next;
};

const ask = async (url: URL, { headers, source, signal }: UrlRequest): Promise<AxiosResponse<Readable>> => {
  const lookup = source.policy.lookupFor(url);
  const auth = url.protocol === 'https:' ? source.loginFor(url.hostname) : undefined;
  try {
    return await axios.get<Readable>(url.href, {
      responseType: 'stream',
      signal,
      maxRedirects: 0,
      decompress: false,
      headers: { 'accept-encoding': 'identity', ...headers },
      // Of their own for each request: the policy must see every connection.
      httpAgent: new HttpAgent({ lookup }),
      httpsAgent: new HttpsAgent({ lookup, ...(source.ca && { ca: [...source.ca] }) }),
      validateStatus: () => true,
      ...(auth && { auth: { ...auth } }),
    });
  } catch (thrown) {
    // What the policy said while connecting comes wrapped.
    for (let err = thrown; err instanceof Error; err = err.cause) if (err instanceof EcomputeError) throw err;
    throw thrown;
  }
};
