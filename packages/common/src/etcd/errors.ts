import { EcomputeError } from '../errors.js';

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

export const toEtcdError = (cause: unknown, verb: string, endpoints: string): EcomputeError => {
  if (cause instanceof EcomputeError) return cause;
  const name = cause instanceof Error ? cause.constructor.name : '';
  if (name === 'GRPCResourceExhastedError')
    return new EcomputeError(
      'ECOMPUTE_ETCD_REFUSED',
      `could not ${verb} in etcd at ${endpoints}: its database is full`,
      {
        cause,
        retryable: true,
        hint: 'see `etcdctl alarm list`; compact, defragment, then `etcdctl alarm disarm`',
      },
    );
  if (REFUSALS.includes(name))
    return new EcomputeError('ECOMPUTE_ETCD_REFUSED', `could not ${verb} in etcd at ${endpoints}: it refused`, {
      cause,
      hint: 'check etcd.user, its password and its role',
    });
  return new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', `could not ${verb} in etcd at ${endpoints}`, {
    cause,
    retryable: true,
    details: { wasSent: !(cause instanceof Error && NOT_SENT.test(cause.message)) },
    hint: 'check that etcd runs there (`etcdctl endpoint health`), and etcd.host and etcd.port in the config',
  });
};

/**
 * Whether a failed write has certainly changed nothing. Of any other failed write the outcome is unknown: the reply may be
 * what was lost.
 */
export const isSurelyUnwritten = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && (thrown.code === 'ECOMPUTE_ETCD_REFUSED' || thrown.details['wasSent'] === false);
