import type { SnapshotSource } from '@etcd-compute/common/etcd/messages/snapshot';
import { requestStored } from '@etcd-compute/common/images/request-stored';
import { requestUrl, type ImageResponse } from '@etcd-compute/common/images/request-url';
import { isSnapshotImage } from '@etcd-compute/common/snapshot-image';
import { isStoredImage, parseStoredImage } from '@etcd-compute/common/stored-image';
import { EcomputeError } from '@etcd-compute/common/errors';
import { requestSnapshot } from '@etcd-compute/common/images/request-snapshot';
import type { ImageSource } from './source.js';

export interface ImageRequest {
  readonly url: string;
  /** Where it is when it is a snapshot, or what lets in when image servers have it. */
  readonly from?: SnapshotSource | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly source: ImageSource;
  readonly signal: AbortSignal;
}

/**
 * Asks whoever has an image: a web server, the agent that holds a snapshot, or an image server. The body, which the caller must read or
 * destroy, is as it was sent.
 *
 * @throws ECOMPUTE_IMAGE_URL_REFUSED, ECOMPUTE_IMAGE_DOWNLOAD_FAILED; errors of the network as they are.
 */
export const requestImage = async (request: ImageRequest): Promise<ImageResponse> => {
  if (isSnapshotImage(request.url)) return askHolder(request);
  return isStoredImage(request.url) ? askImageServers(request) : requestUrl(request);
};

const askHolder = async ({
  url: image,
  from,
  source: { findEndpoint },
  headers,
  signal,
}: ImageRequest): Promise<ImageResponse> => {
  if (!from) throw notSaid(image, 'boot it with `eschedule boot --image snapshot:NAME`');
  return requestSnapshot({ image, from, headers, findEndpoint, signal });
};

/** First the one that had it first. */
const askImageServers = async ({ url: image, from, source, headers, signal }: ImageRequest): Promise<ImageResponse> => {
  const stored = parseStoredImage(image);
  if (!from || !stored) throw notSaid(image, 'boot it by the API that OpenStack’s tools speak');
  const servers = (await source.findImageServers()).toSorted(
    (a, b) => Number(b.host === from.host) - Number(a.host === from.host),
  );
  const { sha256 } = stored;
  const response = await requestStored({ image, sha256, key: from.key, headers, servers, signal });
  return { status: response.statusCode ?? 0, headers: response.headers, data: response };
};

const notSaid = (image: string, hint: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_IMAGE_URL_REFUSED', `nobody has said who holds the image ${image}`, { hint });
