import { EcomputeError } from '@etcd-compute/common/errors';
import { providerUuidSchema, type ProviderUuid } from '@etcd-compute/common/ids';
import type { HostNames } from './host-names.js';

/** The one of some hosts that is meant. @throws EcomputeError ECOMPUTE_HOST_UNKNOWN */
export const resolveHost = (uuidOrName: string, hosts: Iterable<ProviderUuid>, nameOf: HostNames): ProviderUuid => {
  const uuid = providerUuidSchema.safeParse(uuidOrName).data;
  const named = [...hosts].filter((host) => host === uuid || nameOf(host) === uuidOrName);
  const [found, second] = named;
  if (found !== undefined && second === undefined) return found;
  const what =
    found === undefined
      ? `there is no host '${uuidOrName}'`
      : `several hosts are named '${uuidOrName}': ${named.join(', ')}`;
  throw new EcomputeError('ECOMPUTE_HOST_UNKNOWN', what, { details: { host: uuidOrName }, hint: 'give its uuid' });
};
