import { Agent as HttpAgent, request as requestByHttp, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestByHttps } from 'node:https';
import { checkServerIdentity } from 'node:tls';
import { EcomputeError } from '@etcd-compute/common/errors';
import { sendRequest } from '@etcd-compute/common/send-request';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';
import type { ImageSource } from './source.js';
import { hostOf } from './url-policy.js';

const MAX_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

export interface ImageRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly source: ImageSource;
  readonly signal: AbortSignal;
}

/**
 * Asks for an image. Each redirect is judged like the URL itself, and a password is told to its own host only. The caller must read
 * or destroy the response; its body is as it was sent.
 *
 * @throws ECOMPUTE_IMAGE_URL_REFUSED, ECOMPUTE_IMAGE_DOWNLOAD_FAILED after too many redirects; errors of the network as they are.
 */
export const requestImage = async (request: ImageRequest): Promise<IncomingMessage> => {
  let url = request.source.policy.check(request.url);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const response = await ask(url, request);
    const { location } = response.headers;
    if (!REDIRECTS.includes(response.statusCode ?? 0) || location === undefined) return response;
    response.destroy();
    url = nextHop(url, location, request);
  }
  throw new EcomputeError(
    'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
    `could not download ${request.url}: it redirects more than ${MAX_REDIRECTS} times`,
    { hint: 'check the URL with: curl -IL' },
  );
};

const nextHop = (from: URL, location: string, { url, source }: ImageRequest): URL => {
  if (!URL.canParse(location, from.href))
    throw new EcomputeError(
      'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
      `could not download ${url}: it redirects to something that is no URL`,
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

const ask = async (url: URL, { headers, source, signal }: ImageRequest): Promise<IncomingMessage> => {
  const isSecure = url.protocol === 'https:';
  const login = isSecure ? source.loginFor(url.hostname) : undefined;
  const request = (isSecure ? requestByHttps : requestByHttp)(url, {
    agent: agentFor(url, source, signal),
    headers: { 'accept-encoding': 'identity', ...headers },
    signal,
    ...(source.ca && { ca: [...source.ca] }),
    // https-proxy-agent does not tell TLS the host when it is an address, and TLS then expects a certificate of `localhost`.
    checkServerIdentity: (_host: string, certificate) => checkServerIdentity(hostOf(url), certificate),
    ...(login && { auth: `${login.username}:${login.password}` }),
  });
  return sendRequest(request);
};

/** One for each request, so that the policy sees every connection. */
const agentFor = (url: URL, { policy }: ImageSource, signal: AbortSignal): HttpAgent => {
  const isSecure = url.protocol === 'https:';
  const proxy = getProxyForUrl(url.href);
  // With the signal, a proxy that does not answer keeps no connection.
  if (proxy !== '') return isSecure ? new HttpsProxyAgent(proxy, { signal }) : new HttpProxyAgent(proxy, { signal });
  const lookup = policy.lookupFor(url);
  return isSecure ? new HttpsAgent({ lookup }) : new HttpAgent({ lookup });
};
