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
    hint: 'check that etcd runs there (`etcdctl endpoint health`), and etcd.host and etcd.port in the config',
  });
};
