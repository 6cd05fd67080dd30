import { EcomputeError } from '@etcd-compute/common/errors';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { planNetwork } from './address-plan.js';
import { findBridge, type Bridge } from './ip.js';

/** The bridge of the managed network. @throws ECOMPUTE_NETWORK_FAILED when this process does not see it. */
export const getGuestBridge = async (
  connection: Connection,
  { name, cidr }: { readonly name: string; readonly cidr: string },
): Promise<Bridge> => {
  const bridgeName = await bridgeNameOf(connection, name);
  const bridge = await findBridge(bridgeName).catch((cause: unknown) => {
    throw new EcomputeError('ECOMPUTE_NETWORK_FAILED', `could not look at bridge ${bridgeName} of network '${name}'`, {
      cause,
      retryable: true,
      hint: 'it needs the program ip (iproute2)',
    });
  });
  const { gateway } = planNetwork(cidr);
  // If libvirt is on another machine or in a container, a bridge of that name here may be somebody else's.
  if (bridge?.addresses.includes(gateway)) return bridge;
  throw new EcomputeError(
    'ECOMPUTE_NETWORK_FAILED',
    `the bridge ${bridgeName} of network '${name}', with the address ${gateway}, is not here`,
    { retryable: true, hint: `run virsh net-start ${name}; ecompute has to run where libvirt's bridges are` },
  );
};

const bridgeNameOf = async (connection: Connection, networkName: string): Promise<string> => {
  await using network = await connection.networkLookupByName(networkName);
  // Awaited here, before the handle is freed.
  return await network.getBridgeName();
};
