import { EcomputeError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { InstanceSpec } from './write-request.js';

interface PlacingFailure {
  readonly spec: InstanceSpec;
  readonly host: ProviderUuid;
  readonly err: unknown;
  /** Whether the allocation is known to be released. */
  readonly isReleased: boolean;
}

const STILL_ALLOCATED =
  'Placement may still hold its allocation; the agent of the host releases it when it finds no request for it';

const hintOf = (err: unknown, more: string): string =>
  err instanceof EcomputeError && err.hint !== undefined ? `${err.hint}; ${more}` : more;

const detailsOf = ({ spec, host }: { spec: InstanceSpec; host: ProviderUuid }): Record<string, string> => ({
  instance: spec.instance,
  host,
});

/** Nothing was written; the allocation is released, or will be by the agent. */
export const requestNotWritten = ({ spec, host, err, isReleased }: PlacingFailure): EcomputeError => {
  const code = err instanceof EcomputeError ? err.code : 'ECOMPUTE_INTERNAL';
  return new EcomputeError(code, `could not place instance ${spec.instance} on host ${host}`, {
    cause: err,
    details: detailsOf({ spec, host }),
    hint: hintOf(err, isReleased ? 'its allocation has been released' : STILL_ALLOCATED),
  });
};

/** It is unknown whether the request was written, so its allocation must stay. */
export const requestLost = ({ spec, host, err }: Omit<PlacingFailure, 'isReleased'>): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_ETCD_UNREACHABLE',
    `could not find out whether the boot request of instance ${spec.instance} on host ${host} was written`,
    {
      cause: err,
      details: { ...detailsOf({ spec, host }), isWritten: null },
      hint: hintOf(
        err,
        'when etcd is back, it boots if its request was written, and if not, the agent of the host releases its allocation',
      ),
    },
  );

/** Somebody else changed the instance meanwhile, for example a destroy while it moved on to another host. */
export const requestRaced = ({ spec, host, isReleased }: Omit<PlacingFailure, 'err'>): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_INSTANCE_CHANGED',
    `could not place instance ${spec.instance} on host ${host}: it was changed by someone else meanwhile`,
    {
      details: detailsOf({ spec, host }),
      ...(!isReleased && { hint: STILL_ALLOCATED }),
    },
  );
