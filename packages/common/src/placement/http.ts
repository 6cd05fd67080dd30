import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios from 'axios';

/*
 * HTTP as Placement needs it. Nothing is followed, retried or decoded, and no proxy of the environment is used, because Placement
 * stands next to us.
 */

export interface HttpRequest {
  readonly method: string;
  /** Starts with a slash; stands after the path of the endpoint. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface HttpOptions {
  readonly endpoint: string;
  /** How long the whole exchange may take. */
  readonly timeoutMs: number;
  /** The certificate of the authority that signed the server's, if it is not a well-known one. */
  readonly ca: string | undefined;
}

export interface Http {
  /** Any status is a reply. @throws what Node's client throws when there is none. */
  readonly exchange: (request: HttpRequest) => Promise<HttpReply>;
  readonly close: () => void;
}

/** Keeps connections alive between requests. */
export const openHttp = ({ endpoint, timeoutMs, ca }: HttpOptions): Http => {
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({ keepAlive: true, ...(ca !== undefined && { ca }) });
  const http = axios.create({
    baseURL: endpoint.replace(/\/+$/, ''),
    httpAgent,
    httpsAgent,
    maxRedirects: 0,
    proxy: false,
    responseType: 'text',
    transformRequest: (body: unknown) => body,
    transformResponse: (text: unknown) => text,
    validateStatus: () => true,
  });
  const exchange: Http['exchange'] = async ({ method, path, headers, body }) => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const reply = await http.request<string>({ method, url: path, headers, data: body, signal });
      return { status: reply.status, headers: reply.headers, text: reply.data };
    } catch (cause) {
      if (signal.aborted) throw new Error(`no whole reply within ${timeoutMs / 1000} s`, { cause });
      throw cause;
    }
  };
  return {
    exchange,
    close: () => {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
};
