import { Agent, request } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Placement's API over connections that are kept, with as little work for each request as Node allows. */
export interface Api {
  /** @param body sent as JSON. */
  readonly send: (method: string, path: string, body?: unknown) => Promise<Reply>;
  /** As `send`, of what must succeed. @throws the reply. */
  readonly expect: (method: string, path: string, body?: unknown) => Promise<string>;
  readonly close: () => void;
}

const HEADERS = { 'x-auth-token': 'admin', 'openstack-api-version': 'placement 1.39', accept: 'application/json' };

export const openApi = (endpoint: string): Api => {
  const { hostname, port } = new URL(endpoint);
  const agent = new Agent({ keepAlive: true });
  const send = async (method: string, path: string, body?: unknown): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers = text === undefined ? HEADERS : { ...HEADERS, 'content-type': 'application/json' };
      const sent = request({ agent, hostname, port, method, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      });
      sent.once('error', reject);
      sent.end(text);
    });
  return {
    send,
    expect: async (method, path, body) => {
      const { status, text } = await send(method, path, body);
      if (status >= 300) throw new Error(`${method} ${path} was answered ${status}: ${text}`);
      return text;
    },
    close: () => agent.destroy(),
  };
};
