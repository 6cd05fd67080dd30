import { connectAgent } from '../endpoint/connect-agent.js';
import { snapshotIdentity, snapshotPath } from '../endpoint/protocol.js';
import { requestOver } from '../endpoint/request-over.js';
import { EcomputeError } from '../errors.js';
import type { AgentEndpoint } from '../etcd/messages/agent-endpoint.js';
import type { SnapshotSource } from '../etcd/messages/snapshot.js';
import type { ProviderUuid } from '../ids.js';
import type { ImageResponse } from './request-url.js';

/** Where the agent of a host serves now. @returns undefined while it does not. */
export type FindEndpoint = (host: ProviderUuid) => Promise<AgentEndpoint | undefined>;

interface SnapshotRequest {
  /** For errors. */
  readonly image: string;
  readonly from: SnapshotSource;
  readonly headers: Readonly<Record<string, string>>;
  readonly findEndpoint: FindEndpoint;
  readonly signal: AbortSignal;
}

/**
 * Asks the agent that holds a snapshot for it, wherever it is now.
 *
 * @throws ECOMPUTE_IMAGE_DOWNLOAD_FAILED when it is away; errors of the network as they are.
 */
export const requestSnapshot = async (asked: SnapshotRequest): Promise<ImageResponse> => {
  const { from, headers, signal } = asked;
  const response = await requestOver(await connect(asked), { path: snapshotPath(from.id), headers, signal });
  return { status: response.statusCode ?? 0, headers: response.headers, data: response };
};

const connect = async ({ image, from, findEndpoint, signal }: SnapshotRequest) => {
  const endpoint = await findEndpoint(from.host);
  if (!endpoint)
    throw away(image, from.host, {
      hint: 'its agent is down, or does not serve (`endpoint` of its compute.yaml); start it, then boot again',
    });
  const access = { ...endpoint, hostName: from.host, identity: snapshotIdentity(from.id), key: from.key };
  try {
    return await connectAgent(access, signal);
  } catch (cause) {
    signal.throwIfAborted();
    const isRefused = cause instanceof EcomputeError && cause.code === 'ECOMPUTE_ENDPOINT_REFUSED';
    throw away(image, from.host, {
      cause,
      hint: isRefused
        ? 'the snapshot may have been removed meanwhile: see `eschedule image list`'
        : 'hosts must reach each other’s agents: let the port through (endpoint.port), or set endpoint.advertise',
    });
  }
};

const away = (image: string, host: string, more: { readonly hint: string; readonly cause?: unknown }): EcomputeError =>
  new EcomputeError('ECOMPUTE_IMAGE_DOWNLOAD_FAILED', `could not fetch ${image} from host ${host}, which holds it`, {
    ...more,
    retryable: true,
  });
