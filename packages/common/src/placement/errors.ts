import { z } from 'zod';
import { EcomputeError, type ErrorCode } from '../errors.js';
import { parseJson } from '../parse-json.js';
import type { HttpReply } from './http.js';

/** https://docs.openstack.org/api-ref/placement/#errors */
const errorBodySchema = z.object({
  errors: z.array(z.object({ detail: z.string(), code: z.string().optional(), title: z.string().optional() })).min(1),
});

/** Placement's own code for a generation that has moved on: read again and repeat. */
const CONCURRENT_UPDATE = 'placement.concurrent_update';

const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'ECOMPUTE_PLACEMENT_UNAUTHORIZED',
  403: 'ECOMPUTE_PLACEMENT_UNAUTHORIZED',
  404: 'ECOMPUTE_PLACEMENT_NOT_FOUND',
  409: 'ECOMPUTE_PLACEMENT_CONFLICT',
};

const HINTS: Partial<Record<ErrorCode, string>> = {
  ECOMPUTE_PLACEMENT_UNAUTHORIZED: 'check placement.token or placement.token_file in the config',
  ECOMPUTE_PLACEMENT_NOT_FOUND: 'check placement.endpoint in the config, with its path: does Placement answer there?',
  ECOMPUTE_PLACEMENT_FAILED: 'look at the log of the Placement service, with the request id in the details',
};

/** Placement puts the status line before the reason, and where a JSON schema refused, the whole schema after it. */
const reason = (detail: string): string => {
  const why = detail.split('\n\n').find((part, index) => index > 0 && part.trim() !== '') ?? detail;
  return (why.split('Failed validating')[0] ?? why).trim().replaceAll(/\s+/g, ' ');
};

const snippet = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 120);

export const refusal = (
  response: HttpReply,
  { verb, method, path }: { verb: string; method: string; path: string },
  endpoint: string,
): EcomputeError => {
  const { status } = response;
  const code = CODES[status] ?? (status >= 500 ? 'ECOMPUTE_PLACEMENT_FAILED' : 'ECOMPUTE_PLACEMENT_REFUSED');
  const parsed = parseErrorBody(response.text);
  const why = parsed ? reason(parsed.detail) : snippet(response.text);
  const hint = HINTS[code];
  return new EcomputeError(
    code,
    `could not ${verb}: Placement at ${endpoint} answered ${status}${why === '' ? '' : `: ${why}`}`,
    {
      details: {
        status,
        method,
        path,
        placementCode: parsed?.code,
        isPlacements: parsed !== undefined,
        requestId: response.headers['x-openstack-request-id'],
      },
      retryable: status >= 500 || status === 409 || status === 429,
      ...(hint !== undefined && { hint }),
    },
  );
};

/** Undefined for a page of a proxy or a web server. */
const parseErrorBody = (text: string): { detail: string; code?: string | undefined } | undefined =>
  parseJson(errorBodySchema, text)?.errors[0];

export const badReply = ({
  verb,
  endpoint,
  text,
  cause,
}: {
  verb: string;
  endpoint: string;
  text: string;
  cause: unknown;
}): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_PLACEMENT_BAD_REPLY',
    `could not ${verb}: what answers at ${endpoint} does not speak Placement ("${snippet(text)}")`,
    {
      cause,
      hint: 'check placement.endpoint in the config, with its path',
    },
  );

export const unreachable = (cause: Error, verb: string, endpoint: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_PLACEMENT_UNREACHABLE', `could not ${verb}: Placement at ${endpoint} did not answer`, {
    cause,
    retryable: true,
    hint: `check that Placement runs there (curl ${endpoint}), and placement.endpoint in the config`,
  });

const SAY_NOTHING: readonly ErrorCode[] = [
  'ECOMPUTE_PLACEMENT_BAD_REPLY',
  'ECOMPUTE_PLACEMENT_FAILED',
  'ECOMPUTE_PLACEMENT_TOO_OLD',
  'ECOMPUTE_PLACEMENT_UNAUTHORIZED',
  'ECOMPUTE_PLACEMENT_UNREACHABLE',
];

/**
 * Whether an error of Placement says nothing about what was asked: it is away, broken or busy (5xx, 429), does not know us (401, 403),
 * or something else answers in its place, such as a proxy's page with any status.
 */
export const isPlacementTrouble = (thrown: unknown): boolean => {
  if (!(thrown instanceof EcomputeError)) return false;
  const { status, isPlacements } = thrown.details;
  return SAY_NOTHING.includes(thrown.code) || status === 429 || isPlacements === false;
};

/** What Placement answers with a 500 where two writes meet in its database: traits, whose handler does not catch it, and any in SQLite. */
const UNCAUGHT_CONFLICT = /concurrently updated the resource provider|database is locked/;

/** True for a 409 because of a generation, false for one because the host has no room. */
export const isConcurrentUpdate = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError &&
  (thrown.details['placementCode'] === CONCURRENT_UPDATE ||
    (thrown.details['status'] === 500 && UNCAUGHT_CONFLICT.test(thrown.message)));

export const isPlacementConflict = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.code === 'ECOMPUTE_PLACEMENT_CONFLICT';

export const isPlacementNotFound = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.code === 'ECOMPUTE_PLACEMENT_NOT_FOUND';
