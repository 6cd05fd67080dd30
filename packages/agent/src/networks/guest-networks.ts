import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { allNetworks } from '../config/network.js';
import { createGuestNetwork } from './guest-network.js';
import type { NetworksConfig } from './host-networks.js';

/** The libvirt networks of the guests. */
export interface GuestNetworks {
  /** Finds or makes each of them. @throws ECOMPUTE_NETWORK_FAILED */
  readonly open: (connection: Connection) => Promise<void>;
  /**
   * An address on a network by name, kept until `release`; undefined where others give out the addresses, as on a bridge.
   *
   * @throws ECOMPUTE_NETWORK_FULL
   */
  readonly reserve: (instance: InstanceUuid, network: string) => string | undefined;
  /**
   * Gives back the addresses of an instance; repeatable. Only when no domain has their MACs any more.
   *
   * @param network only there. Default: on all networks.
   */
  readonly release: (instance: InstanceUuid, network?: string) => void;
}

export const createGuestNetworks = ({
  config,
  log,
}: {
  readonly config: NetworksConfig;
  readonly log: Logger;
}): GuestNetworks => {
  const networks = new Map(
    allNetworks(config).map((section) => [section.name, createGuestNetwork({ config: section, log })]),
  );
  return {
    open: async (connection) => {
      for (const network of networks.values()) await network.open(connection);
    },
    reserve: (instance, network) => networks.get(network)?.reserve(instance),
    release: (instance, only) => {
      for (const [name, network] of networks) if (only === undefined || name === only) network.release(instance);
    },
  };
};
