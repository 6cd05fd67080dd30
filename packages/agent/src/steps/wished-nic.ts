import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Wish } from '@etcd-compute/common/etcd/messages/wish';
import { nicArgs } from '@etcd-compute/common/wishes/actions/add-nic';
import type { DeviceOptions } from '../domains/devices.js';
import { nameOfSource } from '../networks/host-networks.js';
import { needed, type StepDeps } from './step.js';

export interface WishedNic extends DeviceOptions {
  readonly network: string;
}

/** The interface that a wish is about: an instance has one on a network. */
export const wishedNic = (
  { virtType }: Pick<StepDeps, 'virtType'>,
  instance: InstanceUuid,
  wish: Wish | null | undefined,
): WishedNic => {
  const { network } = nicArgs.parse(needed(wish ?? undefined, 'the wish').args);
  return {
    instance,
    network,
    what: `the interface on the network '${network}'`,
    hasHotPlug: virtType !== 'test',
    find: ({ interfaces }) => {
      const found = interfaces.find((one) => nameOfSource(one) === network);
      return found && { interface: found };
    },
  };
};
