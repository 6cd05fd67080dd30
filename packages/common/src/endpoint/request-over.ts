import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

export interface RequestOver {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Asks once over a connection that is there, which goes when this fails. @returns the answer, whose body the caller must read or destroy. */
export const requestOver = async (socket: Duplex, { path, headers, signal }: RequestOver): Promise<IncomingMessage> => {
  const request = httpRequest({
    createConnection: () => socket,
    path,
    headers: { host: 'ecompute', connection: 'close', ...headers },
    signal,
  });
  try {
    const answered = once(request, 'response', { signal });
    request.end();
    const [response] = await answered;
    return response;
  } catch (err) {
    socket.destroy();
    throw err;
  }
};
