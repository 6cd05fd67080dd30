import { nicArgs } from '@etcd-compute/common/wishes/actions/add-nic';
import { usageError } from '../../usage.js';

/** @throws EcomputeError ECOMPUTE_USAGE when it is not the name of a network. */
export const parseNetwork = (network: string): { network: string } => {
  const problem = nicArgs.safeParse({ network }).error?.issues[0]?.message;
  if (problem !== undefined) throw usageError(`'${network}' is not the name of a network`, problem);
  return { network };
};
