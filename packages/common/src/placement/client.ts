import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { jitter, sleep } from '../async/sleep.js';
import { readSecretFile } from '../config/load.js';
import type { PlacementSection } from '../config/sections.js';
import { EcomputeError, toError } from '../errors.js';
import { badReply, refusal, unreachable } from './errors.js';
import { openHttp, type Http, type HttpReply } from './http.js';
import { formatMicroversion, isBelow, negotiate, NEWEST, OLDEST, type Microversion } from './microversion.js';

export interface PlacementRequest<S extends z.ZodType> {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Starts with a slash; ids in it are already encoded. */
  readonly path: string;
  /** Completes "could not …": `list resource providers`. */
  readonly verb: string;
  readonly body?: unknown;
  /** An older microversion than the one in use, for what only it can say. */
  readonly microversion?: Microversion;
  /** The reply's shape; `z.unknown()` where Placement answers 204. */
  readonly schema: S;
}

/** One Placement service, spoken to in one pinned microversion that is settled with the first reply. */
export interface PlacementClient {
  /** For messages. */
  readonly endpoint: string;
  /** The microversion in use: the newest that both sides know. Before the first reply it is ours. */
  readonly microversion: () => Microversion;
  /**
   * A read that meets a 5xx or a broken connection is asked twice more, within a second.
   *
   * @throws EcomputeError ECOMPUTE_PLACEMENT_*: UNREACHABLE, UNAUTHORIZED (401, 403), NOT_FOUND, CONFLICT (409), REFUSED (other 4xx),
   *   FAILED (5xx), BAD_REPLY (not Placement's JSON), TOO_OLD.
   */
  send<S extends z.ZodType>(request: PlacementRequest<S>): Promise<z.output<S>>;
  /** As `send`, with when Placement last wrote what it answers, by its own clock, in whole seconds. */
  sendForTime<S extends z.ZodType>(
    request: PlacementRequest<S>,
  ): Promise<{ value: z.output<S>; lastModified: Date | undefined }>;
  close(): void;
}

/** Opens a client; nothing is sent before the first call. */
export const openPlacement = async (placement: PlacementSection): Promise<PlacementClient> => {
  const { endpoint, token_file, ca_cert } = placement;
  const token = token_file === undefined ? placement.token : await readSecretFile(token_file, 'placement.token_file');
  const ca = ca_cert === undefined ? undefined : await readSecretFile(ca_cert, 'placement.ca_cert');
  const http = openHttp({ endpoint, ca, timeoutMs: placement.timeout * 1000 });

  let version = NEWEST;
  let hasAsked = false;
  const sendForTime: PlacementClient['sendForTime'] = async (request) => {
    let response = await exchangePatiently({ http, version, endpoint, token }, request);
    if (response.status === 406 && !hasAsked) {
      // The service is older than we are: it says in this reply what it knows.
      version = negotiate(response.text, endpoint);
      response = await exchangePatiently({ http, version, endpoint, token }, request);
    }
    hasAsked = true;
    if (response.status >= 300) throw refusal(response, request, endpoint);
    return { value: parseReply(response, request, endpoint), lastModified: lastModifiedOf(response) };
  };
  return {
    endpoint,
    microversion: () => version,
    send: async (request) => (await sendForTime(request)).value,
    sendForTime,
    close: http.close,
  };
};

interface Connection {
  readonly http: Http;
  readonly version: Microversion;
  readonly endpoint: string;
  readonly token: string;
}

const READ_AGAIN_AFTER_MS = [100, 400];

/** A connection that was kept too long, or a service that is just being restarted behind its proxy. */
const isPassing = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');

/** Writes are not repeated here: their callers know what has become of one whose reply was lost. */
const exchangePatiently = async <S extends z.ZodType>(
  connection: Connection,
  request: PlacementRequest<S>,
): Promise<HttpReply> => {
  const pauses = request.method === 'GET' ? READ_AGAIN_AFTER_MS : [];
  for (const pauseMs of pauses) {
    try {
      const reply = await exchange(connection, request);
      if (reply.status < 500) return reply;
    } catch (err) {
      if (!(err instanceof EcomputeError) || !isPassing(err.cause)) throw err;
    }
    await sleep(jitter(pauseMs));
  }
  return exchange(connection, request);
};

const exchange = async <S extends z.ZodType>(
  { http, version, endpoint, token }: Connection,
  { method, path, verb, body, microversion = version }: PlacementRequest<S>,
): Promise<HttpReply> => {
  if (isBelow(version, OLDEST))
    throw new EcomputeError(
      'ECOMPUTE_PLACEMENT_TOO_OLD',
      `Placement at ${endpoint} knows only microversions up to ${formatMicroversion(version)}`,
      {
        hint: `ours needs ${formatMicroversion(OLDEST)} or newer (OpenStack Rocky)`,
      },
    );
  try {
    return await http.exchange({
      method,
      path,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'x-auth-token': token,
        'openstack-api-version': `placement ${formatMicroversion(Math.min(microversion, version))}`,
        'x-openstack-request-id': `req-${randomUUID()}`,
      },
    });
  } catch (thrown) {
    throw unreachable(toError(thrown), verb, endpoint);
  }
};

const lastModifiedOf = ({ headers }: HttpReply): Date | undefined => {
  const time = Date.parse(String(headers['last-modified']));
  return Number.isNaN(time) ? undefined : new Date(time);
};

const parseReply = <S extends z.ZodType>(
  response: HttpReply,
  { verb, schema }: PlacementRequest<S>,
  endpoint: string,
): z.output<S> => {
  let json: unknown;
  try {
    json = response.text === '' ? undefined : JSON.parse(response.text);
  } catch (cause) {
    throw badReply({ verb, endpoint, text: response.text, cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw badReply({ verb, endpoint, text: response.text, cause: parsed.error });
  return parsed.data;
};
