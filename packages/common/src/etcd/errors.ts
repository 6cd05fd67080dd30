import { EcomputeError, toError, type ErrorCode, type ErrorFields } from '../errors.js';

interface Meaning extends Pick<ErrorFields, 'hint' | 'retryable' | 'details'> {
  readonly code: ErrorCode;
  /** Comes after "could not … in etcd at …: ". */
  readonly reason: string;
}

/** What etcd, or our side of its connection, says in a status that has several meanings. The texts are from etcd 3.4 to 3.6 and grpc-js. */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [
    /authentication is not enabled/,
    {
      code: 'ECOMPUTE_ETCD_REFUSED',
      reason: 'etcd.user is set, and etcd asks nobody who they are',
      hint: 'turn it on with `etcdctl auth enable`, or remove etcd.user from the config',
    },
  ],
  [
    /database space exceeded/,
    {
      code: 'ECOMPUTE_ETCD_REFUSED',
      reason: 'its database is full',
      hint: 'see `etcdctl alarm list`; compact, defragment, then `etcdctl alarm disarm`',
      retryable: true,
    },
  ],
  [
    /too many requests/,
    {
      code: 'ECOMPUTE_ETCD_REFUSED',
      reason: 'it has too many requests to deal with',
      hint: 'try again later; if it persists, check etcd’s load and the speed of its disk',
      retryable: true,
    },
  ],
  [
    // The second is what etcd's own side of gRPC says, with a capital letter it is ours.
    /request is too large|grpc: received message larger than max/,
    {
      code: 'ECOMPUTE_ETCD_REFUSED',
      reason: 'what is to be written is larger than etcd takes in one request',
      hint: 'etcd takes 1.5 MiB by default (`--max-request-bytes`)',
      details: { isTooMuch: true },
    },
  ],
  [
    /Received message larger than max/,
    {
      code: 'ECOMPUTE_ETCD_REPLY_TOO_LARGE',
      reason: 'the reply is larger than we take',
      hint: 'this is a bug: please report it, with the sizes of the values under that key',
    },
  ],
  [
    /required revision has been compacted/,
    {
      code: 'ECOMPUTE_ETCD_COMPACTED',
      reason: 'it has compacted the revision that was being read',
      hint: 'try again; if it persists, keep more history (`--auto-compaction-retention`)',
      retryable: true,
    },
  ],
];

/** etcd answers these for good; anything else means that it could not be reached or did not answer in time. */
const REFUSALS = [
  'EtcdAuthenticationFailedError',
  'EtcdPermissionDeniedError',
  'EtcdInvalidAuthTokenError',
  'EtcdUserNotFoundError',
  'GRPCUnauthenticatedError',
  'GRPCInvalidArgumentError',
  'GRPCFailedPreconditionError',
  'GRPCResourceExhastedError',
];

/** How grpc-js words a call that failed before it had a connection. */
const NOT_SENT = /No connection established|Waiting for LB pick/;

/** @param verb completes "could not … in etcd". */
export const toEtcdError = (cause: unknown, verb: string, endpoints: string): EcomputeError => {
  if (cause instanceof EcomputeError) return cause;
  const { message, constructor } = toError(cause);
  const what = `could not ${verb} in etcd at ${endpoints}`;
  const meaning = MEANINGS.find(([pattern]) => pattern.test(message))?.[1];
  if (meaning) {
    const { code, reason, ...fields } = meaning;
    return new EcomputeError(code, `${what}: ${reason}`, { cause, ...fields });
  }
  if (REFUSALS.includes(constructor.name))
    return new EcomputeError('ECOMPUTE_ETCD_REFUSED', `${what}: it refused`, {
      cause,
      ...(constructor.name === 'EtcdPermissionDeniedError'
        ? { details: { isDenied: true }, hint: 'the role of etcd.user has no right to it: see `eschedule etcd-roles`' }
        : { hint: 'check etcd.user, its password and its role' }),
    });
  return new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', what, {
    cause,
    retryable: true,
    details: { wasSent: !NOT_SENT.test(message) },
    hint: 'check that etcd runs there (`etcdctl endpoint health`), and etcd.host and etcd.port in the config',
  });
};

/** Whether the etcd user may not do this. */
export const isPermissionDenied = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.details['isDenied'] === true;

/** Whether it was more than etcd takes at once. */
export const isTooMuch = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.details['isTooMuch'] === true;

/**
 * Whether a failed write has certainly changed nothing. Of any other failed write the outcome is unknown: the reply may be
 * what was lost.
 */
export const isSurelyUnwritten = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && (thrown.code === 'ECOMPUTE_ETCD_REFUSED' || thrown.details['wasSent'] === false);
