import { requestStored, type FindImageServers } from '@etcd-compute/common/images/request-stored';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { formatErrorChain } from '@etcd-compute/common/errors';
import { HttpError } from '../../http/http-error.js';
import type { Sender } from '../blobs/blobs.js';
import type { BlobPlace } from '../blobs/blob-store.js';

export interface FetchContentDeps {
  /** Which is not asked. */
  readonly server: ProviderUuid;
  readonly findServers: FindImageServers;
  readonly keyOf: (sha256: string) => string;
}

/** Asks the other servers for a content, first the one that had it first. @throws HttpError 503 when none of them sends it. */
export const createFetchContent =
  ({ server, findServers, keyOf }: FetchContentDeps) =>
  async ({ sha256, server: first }: BlobPlace): Promise<Sender> => {
    const others = (await findServers()).filter(({ host }) => host !== server);
    const servers = others.toSorted((a, b) => Number(b.host === first) - Number(a.host === first));
    try {
      return await requestStored({
        image: 'the content of the image',
        sha256,
        key: keyOf(sha256),
        headers: {},
        servers,
        signal: new AbortController().signal,
      });
    } catch (cause) {
      throw new HttpError(
        503,
        `The server that has the content of the image does not answer: ${formatErrorChain(cause)}`,
        {
          cause,
          headers: { 'retry-after': '5' },
        },
      );
    }
  };
