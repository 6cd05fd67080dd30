import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { GuestConfig } from '../guest-config/guest-config.js';
import { createRateLimit } from '../limits/rate-limit.js';
import { findAnswer, isOpenStackPath, segmentsOf } from './routes.js';
import type { TokenRules } from '../config/metadata.js';
import { createTokens, parseTokenTtl } from './tokens.js';

/*
 * The HTTP side of the metadata address. Guests are not trusted: what they send is bounded in size, time and number, and says nothing of
 * who they are. What they are told is not logged.
 */

export interface MetadataServerOptions {
  /** The only guest that can use this address. @throws when that cannot be found out now. */
  readonly findGuest: (address: string) => Promise<InstanceUuid | undefined>;
  readonly readGuest: (asking: { instance: InstanceUuid; address: string }) => Promise<GuestConfig | undefined>;
  readonly tokenRules: TokenRules;
  readonly now: () => number;
  readonly log: Logger;
}

const MAX_CONNECTIONS = 1024;
const MAX_CONNECTIONS_PER_GUEST = 16;
/** A boot of cloud-init is some twenty requests. */
const RATE = { burst: 100, perSecond: 20 };
/** Answers of one boot come from one reading. */
const GUEST_LASTS_MS = 2_000;
const HTTP_LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};
/** Of a guest that does not read what it asked for. */
const SOCKET_TIMEOUT_MS = 15_000;

const TOKEN = 'x-aws-ec2-metadata-token';
const TOKEN_TTL = 'x-aws-ec2-metadata-token-ttl-seconds';

interface Reply {
  readonly status: number;
  readonly body: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}

const refuse = (status: number, text: string, headers: Reply['headers'] = {}): Reply => ({
  status,
  body: `${text}\n`,
  headers: { 'content-type': 'text/plain', ...headers },
});

/** The server, not listening yet. */
export const createMetadataServer = (options: MetadataServerOptions): Server => {
  const { log, now } = options;
  const rate = createRateLimit({ ...RATE, now });
  const respond = createResponder(options);
  let said = '';
  /** A guest that asks again and again fills no log. */
  const warn = (err: unknown, address: string): void => {
    const message = err instanceof Error ? err.message : String(err);
    log[message === said ? 'debug' : 'warn']({ err, address }, 'metadata not told');
    said = message;
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const address = request.socket.remoteAddress ?? '';
    const reply = rate.take(address)
      ? await respond(request, address).catch((err: unknown): Reply => {
          warn(err, address);
          return refuse(503, 'not now, ask again', { 'retry-after': '2' });
        })
      : refuse(429, 'too many requests', { 'retry-after': '1' });
    log.debug({ address, method: request.method, path: request.url?.slice(0, 200), status: reply.status }, 'metadata');
    const { body } = reply;
    response.writeHead(reply.status, {
      ...reply.headers,
      'cache-control': 'no-store',
      // Said, so that the body is not sent in chunks, which simple clients do not know.
      'content-length': Buffer.byteLength(body),
      ...(reply.status >= 400 && { connection: 'close' }),
    });
    response.end(body);
  };
  const server = createServer(HTTP_LIMITS, (request, response) => void handle(request, response));
  server.timeout = SOCKET_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  limitPerGuest(server);
  return server;
};

const limitPerGuest = (server: Server): void => {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (open.get(address) ?? 0) + 1;
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
    if (count > MAX_CONNECTIONS_PER_GUEST) socket.destroy();
  });
};

/** A path, also of a request as to a proxy. What follows `?` means nothing here. */
const pathOf = (url: string): string => url.replace(/^http:\/\/[^/?]*/i, '').replace(/\?.*$/s, '');

const one = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(',') : header;

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;

const createResponder = ({ findGuest, readGuest, tokenRules, now }: MetadataServerOptions) => {
  const tokens = createTokens(now);
  const recent = new Map<InstanceUuid, { at: number; guest: Promise<GuestConfig | undefined> }>();
  const readRecent = async (asking: { instance: InstanceUuid; address: string }): Promise<GuestConfig | undefined> => {
    for (const [instance, { at }] of recent) if (now() - at > GUEST_LASTS_MS) recent.delete(instance);
    const known = recent.get(asking.instance);
    if (known) return known.guest;
    const guest = readGuest(asking);
    recent.set(asking.instance, { at: now(), guest });
    guest.catch(() => recent.delete(asking.instance));
    return guest;
  };
  const giveToken = (instance: InstanceUuid, { headers }: IncomingMessage): Reply => {
    // Who is asked by somebody else, as a proxy is, gets no token: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html
    if (headers['x-forwarded-for'] !== undefined) return refuse(403, 'a proxy gets no token');
    const ttlSeconds = parseTokenTtl(one(headers[TOKEN_TTL]));
    if (ttlSeconds === undefined) return refuse(400, `${TOKEN_TTL} must be 1 to 21600`);
    return {
      status: 200,
      body: tokens.issue(instance, ttlSeconds),
      headers: { 'content-type': 'text/plain', [TOKEN_TTL]: String(ttlSeconds) },
    };
  };
  const mayRead = (instance: InstanceUuid, segments: readonly string[], { headers }: IncomingMessage): boolean => {
    const token = one(headers[TOKEN]);
    // A token that is shown is checked also where none is needed: its end is worth knowing.
    if (token !== undefined) return tokens.isValid(instance, token);
    return !(isOpenStackPath(segments) ? tokenRules.openstack : tokenRules.ec2);
  };
  return async (request: IncomingMessage, address: string): Promise<Reply> => {
    const instance = await findGuest(address);
    if (instance === undefined) return refuse(403, 'the caller is not a guest of this host');
    if (hasBody(request)) return refuse(413, 'no body is taken');
    const segments = segmentsOf(pathOf(request.url ?? '/'));
    const isToken = segments.join('/') === 'latest/api/token';
    if (isToken && request.method === 'PUT') return giveToken(instance, request);
    if (isToken || (request.method !== 'GET' && request.method !== 'HEAD'))
      return refuse(405, 'not that way', { allow: isToken ? 'PUT' : 'GET, HEAD' });
    if (!mayRead(instance, segments, request)) return refuse(401, 'get a token first: PUT /latest/api/token');
    const guest = await readRecent({ instance, address });
    const answer = guest && findAnswer(guest, segments);
    if (!answer) return refuse(404, 'nothing is there');
    return { status: 200, body: answer.body, headers: { 'content-type': answer.type } };
  };
};
