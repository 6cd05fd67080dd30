import type { ClientRequest, IncomingMessage } from 'node:http';

/**
 * Sends a request of Node's `http` or `https`, and waits for the head of its response. A connection that breaks later fails the reading
 * of the response.
 */
export const sendRequest = async (request: ClientRequest, body?: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Kept, because a connection that breaks after the response has begun is told here too.
    request.on('error', reject);
    request.end(body);
  });
