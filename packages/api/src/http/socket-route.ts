import type { WebSocket } from 'ws';
import type { ApiRequest } from './route.js';

/** What is known of a request for a websocket. It has no token in a header: browsers cannot send one. */
export type SocketRequest = Pick<ApiRequest, 'query' | 'address' | 'requestId'>;

/** Serves a websocket to its end, and closes it. @param signal the server stops. */
export type ServeSocket = (socket: WebSocket, signal: AbortSignal) => Promise<void>;

/** A path at which there is a websocket. */
export interface SocketRoute {
  /** Below the service's path. */
  readonly path: string;
  /** Subprotocols, the best first. A client that names none of them gets none. */
  readonly protocols: readonly string[];
  /** How many may be open at this server. */
  readonly limit: number;
  /** Decides before the upgrade. @throws HttpError. */
  readonly open: (request: SocketRequest) => Promise<ServeSocket>;
}
