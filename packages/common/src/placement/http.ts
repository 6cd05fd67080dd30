import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { text as readText } from 'node:stream/consumers';

/**
 * HTTP as Placement needs it, on Node's own client: it is part of every command's start, and an HTTP library takes a good part of
 * that time. Nothing is followed, retried or decoded; no proxy of the environment is used, because Placement stands next to us.
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
  const url = new URL(endpoint);
  const isTls = url.protocol === 'https:';
  const agent = isTls
    ? new HttpsAgent({ keepAlive: true, ...(ca !== undefined && { ca }) })
    : new HttpAgent({ keepAlive: true });
  const send = isTls ? httpsRequest : httpRequest;
  const prefix = url.pathname.replace(/\/+$/, '');
  const exchange: Http['exchange'] = async ({ method, path, headers, body }) =>
    new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const sent = send(
        // Without the brackets of an IPv6 address, which only URLs have.
        {
          host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
          port: url.port,
          method,
          path: prefix + path,
          headers,
          agent,
          signal,
        },
        (reply) => {
          readText(reply).then(
            (text) => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text }),
            reject,
          );
        },
      );
      sent.once('error', reject);
      sent.end(body);
    });
  return { exchange, close: () => agent.destroy() };
};
