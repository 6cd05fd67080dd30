import type { IncomingMessage } from 'node:http';
import { connectAgent } from '../endpoint/connect-agent.js';
import { imageIdentity, imagePath } from '../endpoint/protocol.js';
import { requestOver } from '../endpoint/request-over.js';
import { EcomputeError, formatErrorChain } from '../errors.js';
import type { AgentEndpoint } from '../etcd/messages/agent-endpoint.js';

/** Where servers of images are now. */
export type FindImageServers = () => Promise<readonly AgentEndpoint[]>;

export interface StoredImageRequest {
  /** For errors. */
  readonly image: string;
  readonly sha256: string;
  /** Of that content, in base64. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  /** In the order in which they are asked. */
  readonly servers: readonly AgentEndpoint[];
  readonly signal: AbortSignal;
}

/**
 * Asks one server after another for a content, until one has it.
 *
 * @returns its answer, whose body the caller must read or destroy. @throws ECOMPUTE_IMAGE_DOWNLOAD_FAILED with what each has said.
 */
export const requestStored = async (asked: StoredImageRequest): Promise<IncomingMessage> => {
  const misses: string[] = [];
  for (const server of asked.servers)
    try {
      const response = await ask(server, asked);
      if (response.statusCode === 200 || response.statusCode === 206) return response;
      response.destroy();
      misses.push(`${server.host} answers ${response.statusCode}`);
    } catch (err) {
      asked.signal.throwIfAborted();
      misses.push(`${server.host}: ${formatErrorChain(err)}`);
    }
  const isDeleted = misses.length > 0 && misses.every((miss) => miss.endsWith(' answers 404'));
  throw new EcomputeError(
    'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
    isDeleted
      ? `could not fetch ${asked.image}: no image server has it any more`
      : `could not fetch ${asked.image} from an image server (${misses.join('; ') || 'there is none'})`,
    {
      retryable: !isDeleted,
      hint: isDeleted
        ? 'the image was deleted, or the server that had it is gone'
        : 'start eapi, and let its port for images through (images.port), or set images.advertise in its eapi.yaml',
    },
  );
};

const ask = async (
  { addresses, port, host }: AgentEndpoint,
  { sha256, key, headers, signal }: StoredImageRequest,
): Promise<IncomingMessage> => {
  const access = { addresses, port, hostName: host, identity: imageIdentity(sha256), key };
  return requestOver(await connectAgent(access, signal), { path: imagePath(sha256), headers, signal });
};
