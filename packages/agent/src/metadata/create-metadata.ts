import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { AgentConfig } from '../config.js';
import { ensureOwnAddressFilter, filterGuests } from '../networks/own-address-filter.js';
import { createMetadataAddress, removeLeftAddress, type MetadataAddress } from './metadata-address.js';
import { findPortGuest } from './port-guest.js';
import { readGuest } from './read-guest.js';
import { createMetadataServer } from './server.js';
import { isMetadataOn, tokenRulesOf } from './settings.js';
import { createGuestFinder } from './who-asks.js';

/** What the metadata address needs of the hypervisor, to be called on every new connection; when it is off, what is left of it goes. */
export const preparePorts = async (
  connection: Connection,
  { config, log }: { config: AgentConfig; log: Logger },
): Promise<void> => {
  const { name, cidr, manage } = config.network;
  if (isMetadataOn(config)) {
    await ensureOwnAddressFilter(connection);
    await filterGuests(connection, { networkName: name, cidr, log });
  } else if (manage) await removeLeftAddress(connection, { config: config.network, log });
};

export interface MetadataDeps {
  readonly config: AgentConfig;
  readonly host: ProviderUuid;
  readonly keys: Keys;
  readonly store: Store;
  readonly getConnection: () => Connection;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** The metadata address, wired together; nothing when the config says so. */
export const createMetadata = (deps: MetadataDeps): Pick<MetadataAddress, 'open' | 'close'> => {
  const { config, getConnection, signal } = deps;
  if (!isMetadataOn(config)) return { open: async () => undefined, close: async () => undefined };
  const log = deps.log.child({ component: 'metadata' });
  const now = Date.now;
  const address: MetadataAddress = createMetadataAddress({
    config: config.network,
    getConnection,
    createServer: () =>
      createMetadataServer({
        finder: createGuestFinder({
          listPorts: async () => address.listPorts(),
          findPortGuest: async (port) => findPortGuest(getConnection(), port),
          now,
          log,
          signal,
        }),
        readGuest: async (asking) => readGuest(deps, asking),
        tokenRules: tokenRulesOf(config),
        now,
        log,
      }),
    log,
  });
  return address;
};
