import { Agent as HttpAgent, request as requestByHttp, type IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as requestByHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { sendRequest } from '../send-request.js';

/**
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
  readonly headers: IncomingHttpHeaders;
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
  const base = endpoint.replace(/\/+$/, '');
  const isSecure = base.startsWith('https:');
  const agent = isSecure
    ? new HttpsAgent({ keepAlive: true, ...(ca !== undefined && { ca }) })
    : new HttpAgent({ keepAlive: true });
  const request = isSecure ? requestByHttps : requestByHttp;

  const exchange: Http['exchange'] = async ({ method, path, headers, body }) => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await sendRequest(request(`${base}${path}`, { method, headers, agent, signal }), body);
      return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
    } catch (cause) {
      if (signal.aborted) throw new Error(`no whole reply within ${timeoutMs / 1000} s`, { cause });
      throw cause;
    }
  };
  return { exchange, close: () => agent.destroy() };
};
