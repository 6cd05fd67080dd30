import { EcomputeError } from '@etcd-compute/common/errors';
import { MAX_NICS, networkNameSchema } from '@etcd-compute/common/etcd/messages/nics';

/** @throws EcomputeError ECOMPUTE_USAGE when an instance could not be on these networks. */
export const checkNetworks = (networks: readonly string[] | undefined): void => {
  if (!networks) return;
  const wrong = networks.find((network) => !networkNameSchema.safeParse(network).success);
  if (wrong !== undefined)
    throw new EcomputeError('ECOMPUTE_USAGE', `'${wrong}' is not the name of a network`, {
      hint: 'expected one of the host, such as ecompute, or a bridge, such as bridge:br0',
    });
  const twice = networks.find((network, index) => networks.indexOf(network) < index);
  if (twice !== undefined)
    throw new EcomputeError('ECOMPUTE_USAGE', `network '${twice}' is there twice`, {
      hint: 'an instance has one interface on a network',
    });
  if (networks.length === 0 || networks.length > MAX_NICS)
    throw new EcomputeError('ECOMPUTE_USAGE', `an instance cannot be on ${networks.length} networks`, {
      hint: `expected 1 to ${MAX_NICS}`,
    });
};
